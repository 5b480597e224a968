"""Auto-repay as people look at it: mandates in force, what they did last, and which loans have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from ledger.models import AutoRepayAttempt, AutoRepayMandate, Fact, FundingAccount, Household, Loan
from ledger.models.autorepay import Outcome
from ledger.models.facts import Kind

ATTEMPTS_SHOWN = 3


class Result(StrEnum):
    """How an attempt ended, what was said about it since included."""

    DEBITED = "debited"
    PRESUMED = "presumed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    INSUFFICIENT = "insufficient"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try. `repayment` is the fact to confirm or undo where a presumed debit waits for an answer."""

    bill_number: int
    window_at: datetime
    debit_on: date
    result: Result
    requested: int
    missing: int
    repayment: int | None


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A mandate in force and its last tries, newest first; `next_debit_on` is a day of the household's."""

    loan: Loan
    account: FundingAccount
    windows: tuple[str, ...]
    started_on: date
    next_debit_at: datetime | None
    next_debit_on: date | None
    trouble: str
    attempts: tuple[AttemptRow, ...]


def live_mandates(household: Household, shown: int = ATTEMPTS_SHOWN) -> list[MandateRow]:
    """The household's mandates in force, in three queries however many."""
    live = AutoRepayMandate.objects.live().filter(household=household, loan__archived_at=None)
    mandates = list(live.select_related("loan__lender", "account").order_by("loan__lender__name", "loan__name"))
    return _rows(mandates, household, shown)


def mandate_of(loan: Loan, shown: int = 12) -> MandateRow | None:
    """The loan's mandate in force."""
    live = AutoRepayMandate.objects.live().filter(loan=loan).select_related("loan__lender", "account")
    return next(iter(_rows(list(live), loan.household, shown)), None)


def loans_without(household: Household) -> list[Loan]:
    """Loans still being repaid that no mandate covers."""
    covered = AutoRepayMandate.objects.live().filter(household=household).values("loan")
    open_loans = Loan.objects.current().filter(household=household, settled_on=None).exclude(pk__in=covered)
    return list(open_loans.select_related("lender").order_by("lender__name", "name", "pk"))


def _rows(mandates: list[AutoRepayMandate], household: Household, shown: int) -> list[MandateRow]:
    attempts = _last_attempts(mandates, shown) if mandates else {}
    return [
        MandateRow(
            loan=mandate.loan,
            account=mandate.account,
            windows=tuple(mandate.windows),
            started_on=mandate.started_on,
            next_debit_at=mandate.next_debit_at,
            next_debit_on=mandate.next_debit_at and household.today(mandate.next_debit_at),
            trouble=mandate.trouble,
            attempts=tuple(attempts.get(mandate.loan_id, ())),
        )
        for mandate in mandates
    ]


def _last_attempts(mandates: Iterable[AutoRepayMandate], shown: int) -> dict[int, list[AttemptRow]]:
    """By loan: the newest tries, those under earlier mandates included."""
    loans = [mandate.loan_id for mandate in mandates]
    place = Window(RowNumber(), partition_by=F("bill__loan"), order_by=[F("window_at").desc(), F("pk").desc()])
    newest = (
        AutoRepayAttempt.objects.filter(bill__loan__in=loans)
        .annotate(place=place)
        .filter(place__lte=shown)
        .select_related("bill")
        .order_by("-window_at", "-pk")
    )
    tries = list(newest)
    said = _said_of([one.repayment_id for one in tries if one.repayment_id], loans)
    rows: defaultdict[int, list[AttemptRow]] = defaultdict(list)
    for one in tries:
        result = _result(one, said)
        rows[one.bill.loan_id].append(
            AttemptRow(
                bill_number=one.bill.number,
                window_at=one.window_at,
                debit_on=one.debit_on,
                result=result,
                requested=one.requested,
                missing=one.missing,
                repayment=one.repayment_id if result is Result.PRESUMED else None,
            )
        )
    return rows


def _said_of(repayments: list[int], loans: list[int]) -> dict[int, set[str]]:
    """By fact: whether it is confirmed or reversed as things stand."""
    answers = Fact.objects.filter(loan__in=loans, kind__in=[Kind.CONFIRMATION, Kind.REVERSAL])
    rows = list(answers.order_by("pk").values_list("pk", "kind", "target_id")) if repayments else []
    undone: set[int] = set()
    for fact, kind, target in reversed(rows):  # the newest first: only a reversal that stands undoes anything
        if kind == Kind.REVERSAL and fact not in undone:
            undone.add(target)
    said: defaultdict[int, set[str]] = defaultdict(set)
    for fact, kind, target in rows:
        if fact not in undone:
            said[target].add(kind)
    return said


def _result(attempt: AutoRepayAttempt, said: dict[int, set[str]]) -> Result:
    answers = said.get(attempt.repayment_id or 0, set())
    if Kind.REVERSAL in answers:
        return Result.FAILED
    if Kind.CONFIRMATION in answers:
        return Result.CONFIRMED
    return _RESULTS[Outcome(attempt.outcome)]


_RESULTS = {
    Outcome.SUCCESS: Result.DEBITED,
    Outcome.PRESUMED: Result.PRESUMED,
    Outcome.INSUFFICIENT: Result.INSUFFICIENT,
    Outcome.SKIPPED: Result.SKIPPED,
}
