"""manage.py schedule: what it prints of a loan file, and what it says of a wrong one."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.loanmath.loan_file import LoanFile, read_loan_file, write_loan_file
from ledger.management.schedule_report import as_json, as_text, report
from ledger.management.tables import table, width
from tests.loanmath.test_loan_file import START, agreements, histories

HERE = Path(__file__).parent / "loan_files"
PROJECT = Path(__file__).resolve().parents[2]
FLAT = HERE / "flat_fee.json"


def run(*args: object, stdin: bytes = b"", monkeypatch: pytest.MonkeyPatch | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; the tests' lock on the database is on."""
    out, err = io.StringIO(), io.StringIO()
    if monkeypatch is not None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    code = 0
    try:
        call_command("schedule", *map(str, args), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def test_a_loan_is_printed_as_tables() -> None:
    assert run(FLAT, "--as-of", "2026-04-10") == (0, (HERE / "flat_fee.txt").read_text(), "")


def test_a_loan_is_printed_as_json() -> None:
    code, out, err = run(FLAT, "--as-of", "2026-04-10", "--json")
    assert (code, json.loads(out), err) == (0, json.loads((HERE / "flat_fee.out.json").read_text()), "")


@pytest.mark.parametrize("args", [(), ("-",)])
def test_a_loan_is_read_from_standard_input(args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    printed = run(*args, "--as-of", "2026-04-10", stdin=FLAT.read_bytes(), monkeypatch=monkeypatch)
    assert printed == run(FLAT, "--as-of", "2026-04-10")


@pytest.mark.usefixtures("frozen")
def test_the_day_is_today_unless_said() -> None:
    assert "As of 2026-03-01:" in run(FLAT)[1]


def test_the_file_of_the_documentation_prints_what_it_says(tmp_path: Path) -> None:
    said = (PROJECT / "docs" / "loan-file.md").read_text()
    blocks = [block for _, block in re.findall(r"^```(\w*)\n(.*?)^```$", said, re.DOTALL | re.MULTILINE)]
    file = tmp_path / "loan.json"
    file.write_text(blocks[0])
    assert blocks[1] == "$ manage.py schedule loan.json --as-of 2026-03-25\n"
    assert run(file, "--as-of", "2026-03-25") == (0, blocks[2], "")
    explained = run(file, "--as-of", "2026-03-25", "--explain", "bill-3-interest")
    assert explained == (0, f"{blocks[2]}\n{blocks[3]}", "")


def test_a_loan_with_nothing_recorded_and_nothing_owed_is_short(tmp_path: Path) -> None:
    plan = json.loads(FLAT.read_text())
    file = tmp_path / "loan.json"
    file.write_text(json.dumps({"version": 1, "terms": plan["terms"]}))
    out = run(file, "--as-of", "2026-01-10")[1]
    assert out.startswith("12,000.00 CNY lent on 2026-01-10\nAs of 2026-01-10: 12,000.00 CNY of principal")
    assert "Repayment" not in out
    plan["terms"]["flat_fee"] = "0"
    plan["facts"] = [{"kind": "repayment", "on": "2026-01-20", "amount": "12000.00", "apply_to": "payoff"}]
    file.write_text(json.dumps(plan))
    out = run(file, "--as-of", "2026-02-20")[1]
    assert "As of 2026-02-20: paid off on 2026-01-20" in out
    assert "Payoff" not in out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"0%"', '"zero"', 'line 9, terms.annual_rate: must be a number such as "12.5%" or "0.125"'),
        ('"5.00", "component": "fee", "bill": 2},\n    {"kind": "repayment"', '"5.001", "component": "fee", '
         '"bill": 2},\n    {"kind": "repayment"', "line 18, facts[2].amount: more decimals than CNY has: 2"),
        ('"version": 1,', '"version": 1', 'line 3, version: a "," or the closing "}" must follow'),
    ],
)  # fmt: skip
def test_a_wrong_file_prints_nothing_but_its_line_and_field(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = FLAT.read_text()
    assert text.count(old) == 1
    file = tmp_path / "loan.json"
    file.write_text(text.replace(old, new))
    for json_too in ([], ["--json"]):
        assert run(file, *json_too) == (2, "", f"{file}: {message}\n")
    assert run(stdin=file.read_bytes(), monkeypatch=monkeypatch) == (2, "", f"standard input: {message}\n")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert run(tmp_path / "none.json") == (2, "", f"{tmp_path / 'none.json'}: No such file or directory\n")
    assert run(tmp_path) == (2, "", f"{tmp_path}: Is a directory\n")


def test_all_amounts_of_all_bills_are_explained_unless_one_is_named() -> None:
    code, out, err = run(FLAT, "--as-of", "2026-04-10", "--explain")
    assert (code, err) == (0, "")
    explained = out.removeprefix((HERE / "flat_fee.txt").read_text())
    assert [line for line in explained.splitlines() if line.startswith("bill")] == [
        *("bill-1-principal", "bill-1-fee", "bill-2-principal", "bill-2-fee", "bill-3-principal", "bill-3-fee")
    ]
    assert explained.split("\n\n")[3].strip("\n").splitlines() == [
        "bill-2-fee",
        "  flat fee         216.00 over 3 bills  72.00",
        "  charge (fact 2)                        5.00",
        "  in all                                77.00",
    ]


def test_explanations_are_part_of_the_json() -> None:
    out = run(FLAT, "--as-of", "2026-04-10", "--json", "--explain", "bill-2-fee-paid")[1]
    assert json.loads(out)["explanations"] == [
        {
            "cell": "bill-2-fee-paid",
            "amount": "72.00",
            "rate": None,
            "terms": [{"kind": "repaid", "amount": "72.00", "facts": [4], "cell": "repayment-4-total"}],
        }
    ]


def test_the_rate_of_the_flows_is_said_with_them() -> None:
    out = run(FLAT, "--as-of", "2026-04-10", "--explain", "apr")[1]
    assert out.endswith("  in all                 216.00\n  a year, simple: 10.767936%\n")


def test_one_amount_is_explained_alone() -> None:
    out = run(FLAT, "--as-of", "2026-04-10", "--explain", "bill-1-principal")[1]
    assert out.splitlines()[-2:] == ["  equal part    4000.00", "  in all        4000.00"]


def test_the_working_of_interest_and_of_sums_is_said_in_figures(tmp_path: Path) -> None:
    """990.10 of principal and 9.90 of fee are repaid early; 2,009.90 × 1 % is 20.099."""
    file = tmp_path / "loan.json"
    terms = {"currency": "CNY", "principal": "3000", "disbursed_on": "2026-01-10", "annual_rate": "12%", "count": 3}
    terms |= {"first_due_on": "2026-02-10", "prepayment_fee": {"fraction": "1%"}}  # type: ignore[dict-item]
    paid = {"kind": "repayment", "on": "2026-01-10", "amount": "1000.00", "apply_to": "lower"}
    file.write_text(json.dumps({"version": 1, "terms": terms, "facts": [paid]}))

    def explained(name: str) -> list[str]:
        return run(file, "--as-of", "2026-01-10", "--explain", name)[1].splitlines()[-4:]

    assert explained("bill-1-interest") == [
        "bill-1-interest",
        "  interest  1/12 of a year x 12% x 2009.90, 2026-01-10 to 2026-02-10  20.099",
        "  rounding  half up                                                    0.001",
        "  in all                                                              20.10",
    ]
    assert explained("bill-1-total") == [
        "bill-1-total",
        "  part: principal    663.31",
        "  part: interest      20.10",
        "  in all             683.41",
    ]
    assert explained("payoff-2026-01-10-fee") == [
        "payoff-2026-01-10-fee",
        "  prepayment fee  1% x 2009.90  20.099",
        "  rounding        half up        0.001",
        "  in all                        20.10",
    ]
    said = json.loads(run(file, "--as-of", "2026-01-10", "--json", "--explain", "bill-1-interest")[1])
    assert said["explanations"][0]["terms"][0] == {
        "kind": "interest",
        "amount": "20.099",
        "since": "2026-01-10",
        "until": "2026-02-10",
        "base": "2009.90",
        "rate": "12%",
    }


def test_an_amount_that_is_none_is_refused() -> None:
    assert run(FLAT, "--explain", "bill-9-fee") == (
        2,
        "",
        "--explain bill-9-fee: there is no such amount; try bill-1-interest\n",
    )


@pytest.mark.parametrize("day", ["31.12.2026", "2026-02-30", "1900-01-01"])
def test_a_day_that_is_none_is_refused_by_the_command_line(day: str) -> None:
    called = manage("schedule", str(FLAT), "--as-of", day)
    assert (called.returncode, called.stdout) == (2, "")
    assert "--as-of" in called.stderr


def test_it_runs_without_a_database(tmp_path: Path) -> None:
    called = manage("schedule", str(FLAT), "--as-of", "2026-04-10", LOANTRACKER_VAR=str(tmp_path))
    assert (called.returncode, called.stdout, called.stderr) == (0, (HERE / "flat_fee.txt").read_text(), "")
    assert not list(tmp_path.glob("*.sqlite3"))


def manage(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "manage.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_columns_stand_under_one_another_whatever_the_width() -> None:
    assert [width(text) for text in ("abc", "备用金", "e\u0301", "ａ", "")] == [3, 6, 1, 2, 0]
    assert table(["Name", "Sum"], [["备用金", "1"], ["Cash", "1,000"]], left=(0,)) == [
        "Name      Sum",
        "------  -----",
        "备用金      1",
        "Cash    1,000",
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data())
def test_every_loan_that_can_be_read_can_be_printed(data: st.DataObject) -> None:
    terms = data.draw(agreements())
    loan = LoanFile(terms, data.draw(histories(terms.currency)))
    shown = report(read_loan_file(write_loan_file(loan)), START + timedelta(days=data.draw(st.integers(0, 900))))
    assert as_text(shown).count("\n") > len(shown.projection.bills)
    assert len(as_json(shown)["bills"]) == len(shown.projection.bills)
