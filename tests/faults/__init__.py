"""What breaks while Loantracker runs: the real processes are started, killed, frozen and cut off, and the books
looked at afterwards. `running.run_scenario` does one scenario; the tests do a few faults of each,
`benchmarks/faults.py` many."""
