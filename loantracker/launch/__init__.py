"""Runs every process of Loantracker with one command; standard library only."""
