"""Auto-repay as people look at it: mandates in force, what they did last, and which loans have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from ledger.models import AutoRepayAttempt, AutoRepayMandate, Fact, FundingAccount, Household, Loan, MandateSource
from ledger.models.autorepay import Outcome
from ledger.models.facts import Kind
from ledger.selectors.presumed import said_why

ATTEMPTS_SHOWN = 3
MANDATE = ("mandate__loan", "mandate__credit_line", "mandate__lender")  # what `covered_text` reads


class Result(StrEnum):
    """How an attempt ended, what was said about it since included."""

    DEBITED = "debited"
    PRESUMED = "presumed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    FAILED_AFTER_ALL = "failed_after_all"
    PARTIAL = "partial"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try at one account. `reason` says why it failed, or took less than it asked for; `repayment` is the fact to
    confirm or undo where a presumed debit waits for an answer."""

    bill_number: int
    window_at: datetime
    debit_on: date
    account: str
    result: Result
    reason: str
    requested: int
    debited: int
    missing: int
    repayment: int | None
    why: str = ""  # what somebody said when it had failed after all


@dataclass(frozen=True, slots=True)
class MandateRow:
    """The mandate that holds for a loan, with the accounts it debits by position, and its last tries, newest first;
    `next_debit_on` is a day of the household's."""

    loan: Loan
    mandate: AutoRepayMandate
    accounts: tuple[FundingAccount, ...]
    next_debit_at: datetime | None
    next_debit_on: date | None
    trouble: str
    attempts: tuple[AttemptRow, ...]

    @property
    def last_try(self) -> AttemptRow | None:
        return self.attempts[0] if self.attempts else None

    @property
    def earlier_tries(self) -> tuple[AttemptRow, ...]:
        return self.attempts[1:]


def live_mandates(household: Household, shown: int = ATTEMPTS_SHOWN) -> list[MandateRow]:
    """The household's loans under a mandate, in four queries however many."""
    covered = Loan.objects.current().filter(household=household, mandate__isnull=False)
    loans = covered.select_related("lender", *MANDATE).order_by("lender__name", "name", "pk")
    return _rows(list(loans), household, shown)


def mandate_of(loan: Loan, shown: int = 12) -> MandateRow | None:
    """The mandate that holds for the loan."""
    covered = Loan.objects.filter(pk=loan.pk, mandate__isnull=False).select_related("lender", *MANDATE)
    return next(iter(_rows(list(covered), loan.household, shown)), None)


def loans_without(household: Household) -> list[Loan]:
    """Loans still being repaid that no mandate covers."""
    open_loans = Loan.objects.current().filter(household=household, settled_on=None, mandate=None)
    return list(open_loans.select_related("lender").order_by("lender__name", "name", "pk"))


def covered_text(mandate: AutoRepayMandate) -> str:
    """What a mandate covers, in words: a loan's name, "all draws on …", "all loans from …"."""
    if mandate.loan is not None:
        return mandate.loan.name
    if mandate.credit_line is not None:
        return _("all draws on %(line)s") % {"line": mandate.credit_line}
    return _("all loans from %(lender)s") % {"lender": mandate.lender}


def accounts_of(mandates: Iterable[int]) -> defaultdict[int, list[FundingAccount]]:
    """The accounts of each mandate, by position; one query."""
    found: defaultdict[int, list[FundingAccount]] = defaultdict(list)
    for row in MandateSource.objects.filter(mandate__in=set(mandates)).select_related("account").order_by("position"):
        found[row.mandate_id].append(row.account)
    return found


def _rows(loans: list[Loan], household: Household, shown: int) -> list[MandateRow]:
    if not loans:
        return []
    attempts = _last_attempts([loan.pk for loan in loans], shown)
    accounts = accounts_of(loan.mandate_id for loan in loans if loan.mandate_id)
    return [
        MandateRow(
            loan=loan,
            mandate=loan.mandate,
            accounts=tuple(accounts[loan.mandate.pk]),
            next_debit_at=loan.auto_repay_at,
            next_debit_on=loan.auto_repay_at and household.today(loan.auto_repay_at),
            trouble=loan.auto_repay_trouble,
            attempts=tuple(attempts.get(loan.pk, ())),
        )
        for loan in loans
        if loan.mandate is not None
    ]


def _last_attempts(loans: list[int], shown: int) -> dict[int, list[AttemptRow]]:
    """By loan: the newest tries, those under earlier mandates included."""
    place = Window(RowNumber(), partition_by=F("bill__loan"), order_by=[F("window_at").desc(), F("pk").desc()])
    newest = (
        AutoRepayAttempt.objects.filter(bill__loan__in=loans)
        .annotate(place=place)
        .filter(place__lte=shown)
        .select_related("bill", "account")
        .order_by("-window_at", "-pk")
    )
    tries = list(newest)
    said = _said_of([one.repayment_id for one in tries if one.repayment_id], loans)
    rows: defaultdict[int, list[AttemptRow]] = defaultdict(list)
    for one in tries:
        result = _result(one, said)
        why = said.get(one.repayment_id or 0, {}).get(Kind.REVERSAL, "")
        rows[one.bill.loan_id].append(
            AttemptRow(
                bill_number=one.bill.number,
                window_at=one.window_at,
                debit_on=one.debit_on,
                account=str(one.account),
                result=result,
                reason=one.reason,
                requested=one.requested,
                debited=one.debited,
                missing=one.missing,
                repayment=one.repayment_id if result is Result.PRESUMED else None,
                why=why,
            )
        )
    return rows


def _said_of(repayments: list[int], loans: list[int]) -> dict[int, dict[str, str]]:
    """By fact: whether it is confirmed or reversed as things stand, with the reason or note of who said so."""
    answers = Fact.objects.filter(loan__in=loans, kind__in=[Kind.CONFIRMATION, Kind.REVERSAL])
    rows = list(answers.order_by("pk").values_list("pk", "kind", "target_id", "effect", "note")) if repayments else []
    undone: set[int] = set()
    for fact, kind, target, *_why in reversed(rows):  # the newest first: only a reversal that stands undoes anything
        if kind == Kind.REVERSAL and fact not in undone:
            undone.add(target)
    said: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for fact, kind, target, effect, note in rows:
        if fact not in undone:
            said[target][kind] = said_why(effect, note) if kind == Kind.REVERSAL else note
    return said


def _result(attempt: AutoRepayAttempt, said: dict[int, dict[str, str]]) -> Result:
    answers = said.get(attempt.repayment_id or 0, {})
    if Kind.REVERSAL in answers:
        return Result.FAILED_AFTER_ALL
    if Kind.CONFIRMATION in answers:
        return Result.CONFIRMED
    return _RESULTS[Outcome(attempt.outcome)]


_RESULTS = {
    Outcome.SUCCESS: Result.DEBITED,
    Outcome.PRESUMED: Result.PRESUMED,
    Outcome.FAILED: Result.FAILED,
    Outcome.PARTIAL: Result.PARTIAL,
    Outcome.SKIPPED: Result.SKIPPED,
}
