"""`python loantracker/launch [--demo]`: run it all; `--manage COMMAND ...`: a manage.py command beside it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

# Run as a path, Python looks for modules in this folder first; they are found from the project's.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from loantracker.launch.product import PROJECT, data_folder, environment, run_product  # noqa: E402


def main(arguments: list[str]) -> int:
    os.umask(0o077)  # what is kept here is nobody else's business
    if arguments[:1] == ["--manage"]:
        run_command(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Starts Loantracker: web, worker, beat and a private Redis. Ctrl-C stops it.",
        epilog="Also: ./run test | e2e | check [arguments], and ./run <command> for any command of manage.py.",
    )
    parser.add_argument("--demo", action="store_true", help="add an example household to look around in")
    return run_product(os.environ, demo=parser.parse_args(arguments).demo)


def run_command(arguments: list[str]) -> NoReturn:
    """Becomes manage.py, with the settings the running processes have."""
    given = environment(os.environ, data_folder(os.environ))
    os.execve(sys.executable, [sys.executable, str(PROJECT / "manage.py"), *arguments], given)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
