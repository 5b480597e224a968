"""Amending an agreement that was changed before: what the new terms already say does not count again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ledger.loanmath.facts import Deferral, DeferralTreatment, DueDateMove, Extension, Fact, TermsVersion
from ledger.loanmath.in_force import agreement_from
from ledger.loanmath.project import project
from tests.loanmath.builders import day, loan

TODAY = day("2026-03-02")
CHANGES: list[Fact] = [
    Extension(id=1, effective_on=TODAY, bills=3),
    Deferral(id=2, effective_on=TODAY, bill=4, treatment=DeferralTreatment.ADD_TO_END),
    DueDateMove(id=3, effective_on=TODAY, bill=5, due_on=day("2026-06-20")),
]


def due_dates(facts: list[Fact]) -> list[str]:
    return [bill.due_on.isoformat() for bill in project(loan(), facts, TODAY).bills]


def test_bills_added_later_fall_on_the_moved_due_day() -> None:
    assert due_dates(CHANGES)[3:6] == ["2026-05-10", "2026-06-20", "2026-07-20"]
    assert due_dates(CHANGES)[-1] == "2027-05-20"


def test_an_amendment_of_the_same_day_adds_no_bill_again() -> None:
    anew = agreement_from(loan(), CHANGES, TODAY)
    cheaper = TermsVersion(id=4, effective_on=TODAY, terms=replace(anew, annual_rate=Decimal("0.10")))
    amended = project(loan(), [*CHANGES, cheaper], TODAY).bills
    assert due_dates([*CHANGES, cheaper]) == due_dates(CHANGES)
    assert {bill.due.total for bill in amended[1:-1]} == {amended[1].due.total}


def test_what_is_changed_after_an_amendment_of_the_day_counts_on_top() -> None:
    anew = replace(agreement_from(loan(), [], TODAY), annual_rate=Decimal("0.10"))
    amended = TermsVersion(id=4, effective_on=TODAY, terms=anew)
    longer = Extension(id=5, effective_on=TODAY, bills=2)
    assert len(project(loan(), [amended, longer], TODAY).bills) == 14
