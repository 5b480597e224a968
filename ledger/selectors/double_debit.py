"""Whether a repayment about to be recorded may be paid twice: by hand, and by the lender's debit of that day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode
from ledger.loanmath.double_debit import clash
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Fact, Loan
from ledger.models.autorepay import DEBITED, Outcome
from ledger.models.facts import Kind


@dataclass(frozen=True, slots=True)
class DoubleDebit:
    """The lender's own debit of the day: `state` is "open" (it may be debiting right now, until `until`), "planned",
    "presumed" or "debited" (recorded, and not undone; `amount`, minor units, of bill `number`). `at` is local."""

    state: str
    at: datetime
    until: datetime | None = None
    number: int | None = None
    amount: int = 0


def double_debit(
    loan: Loan, bills: Collection[Bill], numbers: Collection[int], paid_on: date, now: datetime
) -> DoubleDebit | None:
    """What to warn of where money paid on `paid_on` would meet the bills `numbers` of the open `bills`: a debit of the
    loan recorded on that very day, else one open now or planned for it. `loan` has household and mandate at hand; three
    queries at most, none without a mandate."""
    mandate = loan.mandate
    if mandate is None:
        return None
    recorded = _recorded(loan, paid_on)
    if recorded is not None:
        return recorded
    offset = timedelta(days=mandate.day_offset)
    days = [
        day
        for bill in bills
        if bill.number in numbers and bill.payable_on >= mandate.started_on
        for day in _days(bill, bills, mandate)
        if mandate.expires_on is None or day + offset <= mandate.expires_on
    ]
    found = clash(days, mandate.rule, zone(loan.household.time_zone), paid_on, now)
    if found is None:
        return None
    return DoubleDebit("open" if found.closes else "planned", found.opens, found.closes)


def _days(bill: Bill, bills: Collection[Bill], mandate: AutoRepayMandate) -> list[date]:
    """The days on which a bill counts as payable: those of later ones too, where the debit takes all that is due."""
    later = [one.payable_on for one in bills if one.payable_on > bill.payable_on]
    return [bill.payable_on, *(later if mandate.mode == AmountMode.FULL.value else [])]


def _recorded(loan: Loan, paid_on: date) -> DoubleDebit | None:
    tried = AutoRepayAttempt.objects.filter(bill__loan=loan, debit_on=paid_on, outcome__in=DEBITED)
    attempts = list(tried.select_related("bill").order_by("-pk"))
    if not attempts:
        return None
    said = Fact.objects.filter(loan=loan, kind__in=[Kind.REVERSAL, Kind.CONFIRMATION]).order_by("-pk")
    gone: set[int | None] = set()
    confirmed: set[int | None] = set()
    for pk, kind, target in said.values_list("pk", "kind", "target_id"):  # the newest first: only what stands counts
        if pk not in gone:
            (gone if kind == Kind.REVERSAL else confirmed).add(target)
    one = next((one for one in attempts if one.repayment_id not in gone), None)
    if one is None:
        return None
    presumed = one.outcome == Outcome.PRESUMED and one.repayment_id not in confirmed
    local = one.window_at.astimezone(zone(loan.household.time_zone))
    return DoubleDebit("presumed" if presumed else "debited", local, None, one.bill.number, one.debited)
