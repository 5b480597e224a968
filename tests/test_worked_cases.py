"""Loans, repayment stories, rates and dates that others published, reproduced to the stated tolerance.

WORKED_CASES names another folder of cases in the same form. Cases listed in worked_cases_pending.txt are known not to
be reproduced yet: each is expected to fail, strictly.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.worked_case_checks import check

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("WORKED_CASES", HERE / "worked_cases"))
PENDING = {line for line in (HERE / "worked_cases_pending.txt").read_text().splitlines() if line[:1] not in ("", "#")}


def cases() -> list[Any]:
    found = [case for file in sorted(FOLDER.glob("*.json")) for case in json.loads(file.read_text())]
    assert found, f"no cases in {FOLDER}"
    return [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.xfail(strict=True, reason="not reproduced yet")] if case["id"] in PENDING else [],
        )
        for case in found
    ]


@pytest.mark.parametrize("case", cases())
def test_case_is_reproduced_to_its_tolerance(case: dict[str, Any]) -> None:
    assert check(case) == []
