"""Which bills auto-repay still has to decide, and keeps each loan's `auto_repay_at`: the one column by which the tick
finds its work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from ledger.clock import zone
from ledger.loanmath.debiting import AmountMode, asked
from ledger.loanmath.debits import next_moment, passed_moments
from ledger.loanmath.projection import ProjectedBill
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Household, Loan
from ledger.models.autorepay import Reason
from ledger.models.facts import Source
from ledger.selectors.decided import covered_from, fell_back_at, told_to_have_failed
from ledger.selectors.history import history
from ledger.selectors.presumed import never_answered


@dataclass(frozen=True, slots=True)
class Debitable:
    """An open bill under a mandate. It is debited as if it were payable on each of `days`; only moments later than
    `after` are still to be decided, and none after the day `until`."""

    bill: Bill
    days: tuple[date, ...]
    after: datetime
    until: date | None = None

    def next_at(self, mandate: AutoRepayMandate, local: ZoneInfo) -> datetime | None:
        at = next_moment(self.days, mandate.rule, local, self.after)
        return None if at is None or self._is_over(at) else at

    def passed(self, mandate: AutoRepayMandate, local: ZoneInfo, now: datetime) -> list[datetime]:
        moments = passed_moments(self.days, mandate.rule, local, self.after, now)
        return [at for at in moments if not self._is_over(at)]

    def _is_over(self, at: datetime) -> bool:
        return self.until is not None and at.date() > self.until


def schedule_debit(loan: Loan) -> None:
    """Set when auto-repay has to look at the loan next; `loan` is locked and has its household and mandate at hand."""
    moment = next_debit(loan)
    if moment != loan.auto_repay_at:
        loan.auto_repay_at = moment
        loan.save(update_fields=["auto_repay_at"])


def schedule_household(household: Household) -> None:
    """Set the next debit of every loan under a mandate, each held: a household has moved to another time zone."""
    loans = Loan.objects.select_for_update(of=("self",)).filter(household=household, mandate__isnull=False)
    for loan in loans.select_related("household", "mandate").order_by("pk"):
        schedule_debit(loan)


def next_debit(loan: Loan) -> datetime | None:
    """The earliest moment at which a debit of the loan's open bills is to be decided, or a presumed one is to be
    trusted; None if there is none."""
    mandate = loan.mandate
    if mandate is None:
        return None
    local = zone(loan.household.time_zone)
    first = trusted_at(loan, mandate, local)
    for one in debitable([loan])[loan.pk]:
        if first is not None and one.days[0] + timedelta(days=mandate.day_offset) > first.astimezone(local).date():
            break
        moment = one.next_at(mandate, local)
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def trusted_at(loan: Loan, mandate: AutoRepayMandate, local: ZoneInfo) -> datetime | None:
    """When the oldest presumed debit of the loan is trusted without an answer; None where the user is asked."""
    if mandate.trust_days is None:
        return None
    days = [fact.effective_on for fact in never_answered(loan)]
    if not days:
        return None
    return datetime.combine(min(days) + timedelta(days=mandate.trust_days), time.min, tzinfo=local)


def debitable(loans: Iterable[Loan], until: date | None = None) -> dict[int, list[Debitable]]:
    """By loan: its open bills payable since its mandate began and it was entered (and debited by `until`), earliest
    first. `loans` have household and mandate at hand; the same few queries for any number of them.

    What came before is decided: windows before the mandate was given, the loan entered or a narrower mandate ended,
    tries already recorded, windows before someone said that a debit had failed, and days before the last repayment
    made by hand for the bill (whoever pays by hand on the 12th knows what the lender did on the 10th).
    """
    covered = {loan.pk: loan for loan in loans if loan.mandate is not None}
    by_hand = Q(allocations__repayment__source__in=[Source.MANUAL, Source.IMPORT])
    bills = (
        Bill.objects.filter(
            loan__in=covered, payable_on__gte=min((_start(loan) for loan in covered.values()), default=date.max)
        )
        .open()
        .annotate(
            tried_at=Max("attempts__window_at"),
            paid_by_hand_on=Max("allocations__repayment__effective_on", filter=by_hand),
        )
        .order_by("loan", "payable_on", "number")
    )
    if until is not None:
        bills = bills.filter(payable_on__lte=until + timedelta(days=1))
    rows: defaultdict[int, list[Any]] = defaultdict(list)
    for bill in bills:
        if bill.payable_on >= _start(covered[bill.loan_id]):
            rows[bill.loan_id].append(bill)
    failed = told_to_have_failed(loan for loan, found in rows.items() if any(bill.tried_at for bill in found))
    fell_back = fell_back_at(covered[loan] for loan in rows)
    undecided = defaultdict(list)
    for pk, found in rows.items():
        known = [fell_back[pk]] if pk in fell_back else []
        undecided[pk] = _undecided(covered[pk], found, known, failed, until)
    return undecided


def _start(loan: Loan) -> date:
    return covered_from(loan, loan.household.time_zone)


def _undecided(
    loan: Loan, bills: list[Any], known: list[datetime], failed: dict[int, datetime], until: date | None
) -> list[Debitable]:
    mandate = loan.mandate
    assert mandate is not None
    local = zone(loan.household.time_zone)
    last, ends_on = _expiry(loan, mandate, bills)
    found = []
    for at, bill in enumerate(bills):
        if until is not None and bill.payable_on + timedelta(days=mandate.day_offset) > until:
            break
        if last is not None and bill.payable_on > last:
            break
        if asked_of(bill, loan) == 0 and bill.open.total > 0:
            continue  # what the mandate allows of it has been taken
        later = bills[at + 1 :] if mandate.mode == AmountMode.FULL.value else []
        days = (bill.payable_on, *(other.payable_on for other in later))
        found.append(Debitable(bill, days, max(*known, *_known(bill, loan, mandate, failed, local)), ends_on))
    return found


def _known(
    bill: Any, loan: Loan, mandate: AutoRepayMandate, failed: dict[int, datetime], local: ZoneInfo
) -> list[datetime]:
    """The moments up to which everything about a bill's debit is decided."""
    known = [mandate.authorized_at, loan.opened_at]
    if bill.tried_at is not None:
        known += [bill.tried_at, failed.get(bill.pk, bill.tried_at)]
    if bill.paid_by_hand_on is not None:
        known.append(datetime.combine(bill.paid_by_hand_on, time.min, tzinfo=local) - timedelta.resolution)
    return known


def _expiry(loan: Loan, mandate: AutoRepayMandate, bills: list[Bill]) -> tuple[date | None, date | None]:
    """The payable day of the last bill that a mandate with an end covers, and the last day of its debits; None: no end.

    The first debit that it no longer covers (of the first bill beyond, or another try of an earlier one) fails and says
    why; once that has been said nothing more is tried.
    """
    expires_on = mandate.expires_on
    if expires_on is None:
        return None, None
    said = AutoRepayAttempt.objects.filter(bill__loan=loan, mandate=mandate, reason=Reason.MANDATE_EXPIRED)
    if said.exists():
        return None, expires_on
    offset = timedelta(days=mandate.day_offset)
    return next((bill.payable_on for bill in bills if bill.payable_on + offset > expires_on), None), None


def asked_of(bill: Bill | ProjectedBill, loan: Loan) -> int:
    """What a debit under the loan's mandate asks for of a bill as it is stored now, or as it was on a day."""
    mandate = loan.mandate
    assert mandate is not None
    mode = AmountMode(mandate.mode)
    met = bill.paid.total + bill.waived.total
    terms = history(loan).terms_on(bill.payable_on) if mode is AmountMode.MINIMUM else None
    return asked(mode, bill.due, met, terms, mandate.fixed_amount or 0)
