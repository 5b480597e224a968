"""A few faults of each kind, with the real processes, on both databases; `benchmarks/faults.py` does many."""

from __future__ import annotations

import sys

import pytest

from tests.faults.databases import DATABASES, missing
from tests.faults.running import run_scenario

LIMIT = 300.0  # seconds; each takes 10 to 20 on two idle cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel ends what a killed test started")


@pytest.mark.parametrize("database", sorted(DATABASES, reverse=True))
@pytest.mark.parametrize(
    "scenario, kills",
    [
        ("kill_workers", 8),
        ("beat_faults", 4),
        ("power_cut", 3),
        ("redis_faults", 8),
        ("database_faults", 6),
        ("freeze", 2),
        ("clock_jumps", 4),
        ("many_hands", 5),
        ("double_submit", 10),
        ("mail_kills", 20),
        ("bad_mail_server", 8),
        ("down_days", 3),
        ("down_days", 40),
    ],
)
def test_no_bill_is_lost_or_paid_twice(scenario: str, kills: int, database: str) -> None:
    if missing(database):
        pytest.skip(missing(database))
    report = run_scenario(scenario, database, kills=kills, seed=1, limit=LIMIT)
    assert (report.broken, report.lost, report.double) == ([], 0, 0)
    assert report.faults == (1 if scenario == "down_days" else kills)
    assert report.due + report.acknowledged > 0 or "mail" in scenario
