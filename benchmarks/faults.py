"""How many repayments are lost or doubled while processes, Redis and the database are killed, many times over.

Run it from the project's root: ./run bench faults [SCENARIO ...] [--kills N] [--seed N] [--database NAME]
Without scenarios, all of them with the figures of docs/reliability.md. The same seed chooses the same faults; when
exactly they strike is up to the machine. The exit code is 1 if any promise was broken.
"""

from __future__ import annotations

import argparse
import sys

from tests.faults.databases import DATABASES, missing
from tests.faults.running import Report, ScenarioError, run_scenario

# How many faults each strikes with, both databases together.
KILLS = {
    "kill_workers": [500],
    "beat_faults": [100],
    "power_cut": [100],
    "redis_faults": [200],
    "database_faults": [100],
    "freeze": [40],
    "clock_jumps": [40],
    "many_hands": [100],
    "double_submit": [400],
    "mail_kills": [400],
    "bad_mail_server": [100],
    "down_days": [3, 40],
}
LINE = "{:<16} {:<11} {:>7} {:>5} {:>5} {:>5} {:>5} {:>7} {:>9} {:>8}  {}"
HEAD = ("scenario", "database", "faults", "busy", "due", "lost", "twice", "forms", "settled", "took", "")


def main() -> int:
    chosen = arguments()
    print(LINE.format(*HEAD))
    good = True
    for scenario in chosen.scenarios or KILLS:
        for kills in [chosen.kills] if chosen.kills else KILLS[scenario]:
            for database in chosen.database or DATABASES:
                good &= one(
                    scenario, database, kills if scenario == "down_days" else halved(kills, chosen), chosen.seed
                )
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench faults", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(KILLS))
    parser.add_argument("--kills", type=int, help="how many faults (for down_days: days), instead of the figures above")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", action="append", choices=sorted(DATABASES))
    chosen = parser.parse_args()
    unknown = set(chosen.scenarios) - set(KILLS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return chosen


def halved(kills: int, chosen: argparse.Namespace) -> int:
    """What one database gets of the figures for both; a number that was asked for is not divided."""
    return kills if chosen.kills else kills // 2


def one(scenario: str, database: str, kills: int, seed: int) -> bool:
    """Carry out a scenario, print its line, and what was broken under it; whether nothing was."""
    why = missing(database)
    if why:
        print(f"{scenario:<16} {database:<11} left out: {why}")
        return True
    try:
        report = run_scenario(scenario, database, kills=kills, seed=seed, limit=300 + 30 * kills)
    except ScenarioError as error:
        print(f"{scenario:<16} {database:<11} broke off: {error}")
        return False
    print(line(report), flush=True)
    for broken in report.broken:
        print(f"    {broken}", flush=True)
    for name, words in report.last_words.items():
        print(f"    -- {name} said last:\n{words}", flush=True)
    return not report.broken


def line(report: Report) -> str:
    return LINE.format(
        *(report.scenario, report.database, report.faults, report.busy, report.due, report.lost, report.double),
        *(report.acknowledged, f"{report.settled_after:.1f} s", f"{report.seconds:.0f} s", "; ".join(report.notes)),
    )


if __name__ == "__main__":
    sys.exit(main())
