"""Auto-repay: what the lender should have debited by now, recorded once, under its own day."""

from __future__ import annotations

import heapq
import logging
import time
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Max, Min

from ledger.clock import zone
from ledger.loanmath.debits import passed_moments
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.funding import Funding, Verdict, judge
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Fact, FundingAccount, Loan
from ledger.models.autorepay import Outcome
from ledger.models.facts import Source
from ledger.selectors.balances import balance_on
from ledger.selectors.history import history
from ledger.services.debit_times import debitable, schedule_debit
from ledger.services.projection import lock, rebuild
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment

log = logging.getLogger(__name__)

SWEEP_LASTS = 45.0  # seconds after which a sweep leaves the rest to the next one
FIRST_PAUSE = timedelta(minutes=5)  # before a mandate that broke off is tried again; doubles each time
LONGEST_PAUSE = timedelta(hours=6)


class RefusedDebitError(Exception):
    """The books refuse a debit that should have happened: something is wrong with the loan's data."""


@dataclass(frozen=True, slots=True, order=True)
class Debit:
    """One bill at one debit moment; they sort as the lender would get to them, the earlier due first."""

    at: datetime
    payable_on: date
    bill: int
    mandate: int


def debit_due(now: datetime) -> int:
    """Do everything auto-repay has to have done by `now`, account by account; the number of attempts recorded.

    Any number may run at once. A mandate that breaks off is put aside for a while and stops no other.
    """
    accounts = AutoRepayMandate.objects.to_debit(now).order_by().values("account").annotate(first=Min("next_debit_at"))
    done = 0
    until = time.monotonic() + SWEEP_LASTS
    for row in accounts.order_by("first"):
        done += debit_account(row["account"], now)
        if time.monotonic() > until:
            break
    return done


def debit_account(account: int, now: datetime) -> int:
    """Every debit of one account whose moment has come, in the order of those moments, each in its own
    transaction; the number of attempts recorded."""
    done = 0
    waiting: list[Debit] = []
    broken: set[int] = set()
    due = AutoRepayMandate.objects.to_debit(now).filter(account=account)
    for mandate in due.select_related("loan__household"):
        try:
            waiting += due_debits(mandate, now)
        except Exception as error:
            broken.add(mandate.pk)
            _put_aside(mandate.pk, error, now)
    heapq.heapify(waiting)
    while waiting:
        debit = heapq.heappop(waiting)
        if debit.mandate in broken:
            continue
        try:
            result = debit_bill(debit, now)
        except Exception as error:
            broken.add(debit.mandate)
            _put_aside(debit.mandate, error, now)
            continue
        if isinstance(result, Debit):
            heapq.heappush(waiting, result)
        elif result is not None:
            done += 1
    for mandate in due.exclude(pk__in=broken):
        _move_on(mandate, now)
    return done


def due_debits(mandate: AutoRepayMandate, now: datetime) -> list[Debit]:
    """The first undecided debit moment of each bill of a mandate, where it has come."""
    household = mandate.loan.household
    local = zone(household.time_zone)
    debits = []
    for one in debitable(mandate, local, until=household.today(now)):
        passed = passed_moments(one.bill.payable_on, mandate.windows, local, one.after, now)
        if passed:
            debits.append(Debit(passed[0], one.bill.payable_on, one.bill.pk, mandate.pk))
    return debits


def debit_bill(debit: Debit, now: datetime) -> AutoRepayAttempt | Debit | None:
    """Decide one debit under lock: the attempt recorded, or the same bill at a later moment that has come too, or
    None where there is nothing left to decide (paid by hand, mandate ended, another worker was first).

    Of several missed moments of a bill one attempt is recorded: at the first at which the account had the money
    (or was unknown), else at the last.
    """
    with transaction.atomic():
        mandate = AutoRepayMandate.objects.select_related("loan").get(pk=debit.mandate)
        # Locks are taken in this order everywhere: account, loan. "No key" lets a repayment by hand, which holds
        # the loan and adds an entry, refer to the account meanwhile.
        account = FundingAccount.objects.select_for_update(no_key=True).get(pk=mandate.account_id)
        loan = lock(mandate.loan)
        mandate = AutoRepayMandate.objects.get(pk=debit.mandate)
        if mandate.ended_at is not None:
            return None
        today = loan.household.today(now)
        if loan.next_change_on is not None and loan.next_change_on <= today:
            rebuild(loan, today)
        local = zone(loan.household.time_zone)
        one = next(debitable(mandate, local, until=today, only=debit.bill), None)
        if one is None:
            return None
        passed = passed_moments(one.bill.payable_on, mandate.windows, local, one.after, now)
        passed = [at for at in passed if at >= debit.at]
        if not passed:
            return None
        on = passed[0].astimezone(local).date()
        asked = _asked(one.bill, loan, on, today)
        verdict = judge(balance_on(account, on), asked, one.bill.payable_on)
        if (asked == 0 or verdict.funding is Funding.SHORT) and len(passed) > 1:
            return replace(debit, at=passed[1])
        return _record(_Try(mandate, loan, account, one.bill, passed[0], on, asked), verdict, now)


@dataclass(frozen=True, slots=True)
class _Try:
    mandate: AutoRepayMandate
    loan: Loan
    account: FundingAccount
    bill: Bill
    at: datetime
    on: date
    asked: int


def _asked(bill: Bill, loan: Loan, on: date, today: date) -> int:
    """What the lender asks for on a day: what was open then, and no more than is open now."""
    if on == today:
        return bill.open.total
    then = history(loan).project(on).bills
    open_then = next((one.open.total for one in then if one.number == bill.number), 0)
    return min(open_then, bill.open.total)


def _record(this: _Try, verdict: Verdict, now: datetime) -> AutoRepayAttempt:
    """Write the attempt, and with it, unless money lacked, the repayment and its account entry."""
    number = (AutoRepayAttempt.objects.filter(bill=this.bill.pk).aggregate(last=Max("number"))["last"] or 0) + 1
    outcome = {
        Funding.COVERED: Outcome.SUCCESS,
        Funding.UNKNOWN: Outcome.PRESUMED,
        Funding.SHORT: Outcome.INSUFFICIENT,
    }[verdict.funding]
    if this.asked == 0:
        outcome = Outcome.SKIPPED
    paid = outcome in (Outcome.SUCCESS, Outcome.PRESUMED)
    attempt = AutoRepayAttempt(
        household_id=this.mandate.household_id,
        mandate=this.mandate,
        bill=this.bill,
        number=number,
        debit_on=this.on,
        window_at=this.at,
        recorded_at=now,
        outcome=outcome,
        requested=this.asked,
        missing=verdict.missing if outcome == Outcome.INSUFFICIENT else 0,
        repayment=_repay(this, number, now, presumed=outcome == Outcome.PRESUMED) if paid else None,
    )
    attempt.save()
    if this.mandate.failures:
        AutoRepayMandate.objects.filter(pk=this.mandate.pk).update(failures=0, trouble="")
    if not paid:  # a repayment has rebuilt the loan, and with it the next debit
        schedule_debit(this.loan)
    return attempt


def _repay(this: _Try, number: int, now: datetime, *, presumed: bool) -> Fact:
    recorded = record_repayment(
        loan=this.loan,
        amount=this.asked,
        paid_on=this.on,
        recording=Recording(key=f"auto:{this.bill.pk}:{number}", now=now),
        apply_to=ApplyTo.BILL,
        bill_number=this.bill.number,
        account=this.account,
        source=Source.AUTO,
        presumed=presumed,
    )
    if isinstance(recorded, Refusal):
        raise RefusedDebitError(recorded.code)
    return recorded.fact


def _move_on(mandate: AutoRepayMandate, now: datetime) -> None:
    """A mandate that was looked at has nothing left that has come: set its next moment."""
    try:
        with transaction.atomic():
            schedule_debit(lock(mandate.loan))
    except Exception as error:
        _put_aside(mandate.pk, error, now)


def _put_aside(mandate: int, error: Exception, now: datetime) -> None:
    """Leave a mandate that broke off alone for a while, longer each time, with the reason.

    A busy or lost database is no fault of the mandate's: the next sweep finds it as it is.
    """
    if isinstance(error, OperationalError):
        log.warning("Auto-repay mandate %s is left to the next sweep: %s", mandate, error)
        return
    log.error("Auto-repay mandate %s broke off and is put aside", mandate, exc_info=error)
    with transaction.atomic():
        row = AutoRepayMandate.objects.live().select_for_update().filter(pk=mandate).first()
        if row is None:
            return
        pause = min(FIRST_PAUSE * 2 ** min(row.failures, 10), LONGEST_PAUSE)
        row.failures = min(row.failures + 1, 1000)
        row.trouble = f"{type(error).__name__}: {error}"[:200]
        row.next_debit_at = now + pause
        row.save(update_fields=["failures", "trouble", "next_debit_at"])
