"""Auto-repay: what the lender should have debited by now, recorded once, under its own day."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from math import inf
from time import monotonic

from django.db import OperationalError, transaction
from django.db.models import Max, Q

from ledger.clock import zone
from ledger.loanmath.debiting import DebitOutcome, FailureReason, Source, Try, decide
from ledger.loanmath.facts import ApplyTo
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Fact, FundingAccount, Loan
from ledger.models.autorepay import Outcome, Reason
from ledger.models.facts import Source as Origin
from ledger.selectors.balances import balances_on
from ledger.selectors.decided import failed_after_all
from ledger.selectors.history import history
from ledger.selectors.presumed import never_answered
from ledger.services.debit_times import asked_of, debitable, schedule_debit
from ledger.services.projection import lock, rebuild
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from ledger.services.repayments import confirm_repayment, record_repayment

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=5)  # before a loan whose debit broke off is looked at again; doubles each time
LONGEST_PAUSE = timedelta(hours=6)


class RefusedDebitError(Exception):
    """The books refuse a debit that should have happened: something is wrong with the loan's data."""


@dataclass(frozen=True, slots=True, order=True)
class Debit:
    """One bill at one debit moment; they sort as the lender would get to them. Of those of one moment the one that
    bears a penalty comes first, then the one due earlier, then by the user's priority."""

    at: datetime
    is_harmless: bool
    payable_on: date
    priority: int
    bill: int
    loan: int


def debit_household(household: int, now: datetime, until: float = inf) -> int:
    """Every debit of a household whose moment has come, in the order of those moments, each in its own transaction;
    the number of attempts recorded. After the first, what it has not got to by `until` (on the monotonic clock) stays
    due and is left to the next sweep."""
    done = 0
    broken: set[int] = set()
    due = list(Loan.objects.to_debit(now).filter(household=household).select_related("household", "mandate"))
    for loan in due:
        try:
            trust_presumed(loan, now)
        except Exception as error:
            broken.add(loan.pk)
            _put_aside(loan.pk, error, now)
    sound = [loan for loan in due if loan.pk not in broken]
    try:
        waiting = due_debits(sound, now)
    except Exception:  # one of them is to blame: by itself it stops no other
        waiting = _due_one_by_one(sound, broken, now)
    heapq.heapify(waiting)
    while waiting:
        debit = heapq.heappop(waiting)
        if debit.loan in broken:
            continue
        try:
            result = debit_bill(debit, now)
            done += 0 if isinstance(result, Debit) else len(result)
            for later in [result] if isinstance(result, Debit) else _rest(debit, result, now):
                heapq.heappush(waiting, later)
        except Exception as error:
            broken.add(debit.loan)
            _put_aside(debit.loan, error, now)
        if monotonic() > until:
            return done
    left = Q(auto_repay_at__lte=now) | Q(auto_repay_failures__gt=0)
    for loan in Loan.objects.filter(left, pk__in=[loan.pk for loan in due if loan.pk not in broken]).order_by("pk"):
        _move_on(loan, now)
    return done


def _due_one_by_one(loans: Sequence[Loan], broken: set[int], now: datetime) -> list[Debit]:
    """The same loan by loan; those that break off are put aside and join the `broken`."""
    waiting: list[Debit] = []
    for loan in loans:
        try:
            waiting += due_debits([loan], now)
        except Exception as error:
            broken.add(loan.pk)
            _put_aside(loan.pk, error, now)
    return waiting


def _rest(debit: Debit, attempts: list[AutoRepayAttempt], now: datetime) -> list[Debit]:
    """What a partial debit has left of its bill, at the next window where that has come too: it is taken before what
    comes later, as it would have been in time."""
    if not attempts or not attempts[-1].mandate.partial:
        return []
    loan = Loan.objects.select_related("household", "mandate").get(pk=debit.loan)
    return [later for later in due_debits([loan], now) if later.bill == debit.bill]


def due_debits(loans: Sequence[Loan], now: datetime) -> list[Debit]:
    """The first undecided debit moment of each bill of loans of one household, where it has come; they have household
    and mandate at hand. The same few queries for any number of them."""
    if not loans:
        return []
    home = loans[0].household
    local = zone(home.time_zone)
    debits = []
    undecided = debitable(loans, until=home.today(now))
    for loan in loans:
        mandate = loan.mandate
        if mandate is None:
            continue
        for one in undecided[loan.pk]:
            passed = one.passed(mandate, local, now)
            if passed:
                debits.append(_debit(one.bill, loan, mandate, passed[0]))
    return debits


def _debit(bill: Bill, loan: Loan, mandate: AutoRepayMandate, at: datetime) -> Debit:
    return Debit(at, not loan.bears_penalty, bill.payable_on, mandate.priority, bill.pk, loan.pk)


def debit_bill(debit: Debit, now: datetime) -> list[AutoRepayAttempt] | Debit:
    """Decide one debit under lock: the attempts recorded, or the same bill at a later moment that has come too; none
    where nothing is left to decide (paid by hand, mandate ended, another worker was first).

    Of several missed moments of a bill one try is recorded: at the first at which an account had the money (or was
    unknown), else at the last.
    """
    with transaction.atomic():
        # Locks are taken in this order everywhere: accounts, loan, each by id. "No key" lets a repayment by hand, which
        # holds the loan and adds an entry, refer to an account meanwhile.
        accounts = _lock_sources(debit.loan)
        loan = lock(Loan(pk=debit.loan))
        mandate = loan.mandate
        if mandate is None or mandate.ended_at is not None or accounts != _sources(mandate.pk):
            return []
        today = loan.household.today(now)
        if loan.next_change_on is not None and loan.next_change_on <= today:
            rebuild(loan, today)
        local = zone(loan.household.time_zone)
        one = next((one for one in debitable([loan], until=today)[loan.pk] if one.bill.pk == debit.bill), None)
        if one is None:
            return []
        passed = [at for at in one.passed(mandate, local, now) if at >= debit.at]
        if not passed:
            return []
        on = passed[0].astimezone(local).date()
        wanted = _asked(one.bill, loan, on, today)
        tries = _decide(mandate, accounts, wanted, on, one.bill.payable_on)
        if tries[-1].outcome in (DebitOutcome.FAILED, DebitOutcome.SKIPPED) and len(passed) > 1:
            return replace(debit, at=passed[1])
        return _record(_Moment(mandate, loan, one.bill, passed[0], on), tries, now)


def _sources(mandate: int) -> list[int]:
    """The accounts of a mandate by their position."""
    rows = AutoRepayMandate.objects.filter(pk=mandate).order_by("sources__position")
    return list(rows.values_list("sources__account", flat=True))


def _lock_sources(loan: int) -> list[int]:
    mandate = Loan.objects.filter(pk=loan).values_list("mandate", flat=True).first()
    accounts = _sources(mandate) if mandate else []
    list(FundingAccount.objects.select_for_update(no_key=True).filter(pk__in=accounts).order_by("pk"))
    return accounts


@dataclass(frozen=True, slots=True)
class _Moment:
    mandate: AutoRepayMandate
    loan: Loan
    bill: Bill
    at: datetime
    on: date


def _asked(bill: Bill, loan: Loan, on: date, today: date) -> int:
    """What the lender asks for on a day: what it asked for as the bill was then, and no more than as it is now."""
    now = asked_of(bill, loan)
    if on == today:
        return now
    then = next((one for one in history(loan).project(on).bills if one.number == bill.number), None)
    return 0 if then is None else min(asked_of(then, loan), now)


def _decide(mandate: AutoRepayMandate, accounts: list[int], wanted: int, on: date, payable_on: date) -> list[Try]:
    if mandate.expires_on is not None and on > mandate.expires_on:
        return [Try(accounts[0], wanted, 0, DebitOutcome.FAILED, FailureReason.MANDATE_EXPIRED)]
    if wanted == 0:
        return [Try(accounts[0], 0, 0, DebitOutcome.SKIPPED)]
    balances = balances_on(accounts, on)
    put_away = FundingAccount.objects.filter(pk__in=accounts, archived_at__isnull=False)
    closed = set(put_away.values_list("pk", flat=True))
    sources = [Source(account, balances[account], account not in closed) for account in accounts]
    return decide(wanted, sources, payable_on, mandate.limits)


def _record(this: _Moment, tries: list[Try], now: datetime) -> list[AutoRepayAttempt]:
    """Write the attempts, and with each that took money the repayment and its account entry."""
    last = AutoRepayAttempt.objects.filter(bill=this.bill.pk).aggregate(last=Max("number"))["last"] or 0
    attempts = []
    for number, one in enumerate(tries, start=last + 1):
        attempt = AutoRepayAttempt(
            household_id=this.mandate.household_id,
            mandate=this.mandate,
            bill=this.bill,
            account_id=one.account,
            number=number,
            debit_on=this.on,
            window_at=this.at,
            recorded_at=now,
            outcome=Outcome(one.outcome),
            reason=Reason(one.reason) if one.reason else "",
            requested=one.requested,
            debited=one.taken,
            missing=one.missing,
            repayment=_repay(this, one, number, now) if one.taken else None,
        )
        attempt.save()
        attempts.append(attempt)
    _clear_trouble(this.loan)
    if tries[-1].outcome is DebitOutcome.FAILED:
        ask_if_failing(this.mandate, now)
    if tries[-1].outcome not in (DebitOutcome.SUCCESS, DebitOutcome.PRESUMED):
        schedule_debit(lock(this.loan))  # a repayment of all that was asked has set the next debit already
    return attempts


def _repay(this: _Moment, one: Try, number: int, now: datetime) -> Fact:
    recorded = record_repayment(
        loan=this.loan,
        amount=one.taken,
        paid_on=this.on,
        recording=Recording(key=f"auto:{this.bill.pk}:{number}", now=now),
        apply_to=ApplyTo.BILL,
        bill_number=this.bill.number,
        account=FundingAccount.objects.get(pk=one.account),
        source=Origin.AUTO,
        presumed=one.outcome is DebitOutcome.PRESUMED,
    )
    if isinstance(recorded, Refusal):
        raise RefusedDebitError(recorded.code)
    return recorded.fact


def ask_if_failing(mandate: AutoRepayMandate, now: datetime) -> None:
    """Ask the user, once, when the debits of a mandate have failed too often in a row, those that failed after all
    included."""
    if mandate.asked_at is not None or mandate.ask_after == 0:
        return
    tried = AutoRepayAttempt.objects.filter(mandate=mandate).exclude(outcome=Outcome.SKIPPED)
    if mandate.kept_at is not None:
        tried = tried.filter(recorded_at__gt=mandate.kept_at)
    newest = list(tried.order_by("-pk").values_list("repayment", flat=True)[: mandate.ask_after])
    undone = failed_after_all(repayment for repayment in newest if repayment is not None)
    failures = sum(1 for _ in takewhile(lambda repayment: repayment is None or repayment in undone, newest))
    if failures >= mandate.ask_after:
        AutoRepayMandate.objects.filter(pk=mandate.pk, asked_at=None).update(asked_at=now)


def trust_presumed(loan: Loan, now: datetime) -> int:
    """Confirm the presumed debits that nobody has objected to for as long as the loan's mandate says; counts them."""
    mandate = loan.mandate
    if mandate is None or mandate.trust_days is None:
        return 0
    until = loan.household.today(now) - timedelta(days=mandate.trust_days)
    done = 0
    for repayment in never_answered(loan):
        if repayment.effective_on <= until:
            confirm_repayment(repayment=repayment, recording=Recording(key=f"trust:{repayment.pk}", now=now))
            done += 1
    return done


def _move_on(loan: Loan, now: datetime) -> None:
    """A loan that was looked at has nothing left that has come: set its next moment."""
    try:
        with transaction.atomic():
            row = lock(loan)
            _clear_trouble(row)
            schedule_debit(row)
    except Exception as error:
        _put_aside(loan.pk, error, now)


def _clear_trouble(loan: Loan) -> None:
    """A (locked) loan that was looked at to the end is no longer put aside."""
    if loan.auto_repay_failures:
        loan.auto_repay_failures, loan.auto_repay_trouble = 0, ""
        loan.save(update_fields=["auto_repay_failures", "auto_repay_trouble"])


def _put_aside(loan: int, error: Exception, now: datetime) -> None:
    """Leave a loan whose debit broke off alone for a while, longer each time, with the reason.

    A busy or lost database is no fault of the loan's: the next sweep finds it as it is.
    """
    if isinstance(error, OperationalError):
        log.warning("Auto-repay of loan %s is left to the next sweep: %s", loan, error)
        return
    log.error("Auto-repay of loan %s broke off and is put aside", loan, exc_info=error)
    with transaction.atomic():
        row = lock(Loan(pk=loan))
        if row.mandate_id is None:
            return
        pause = min(FIRST_PAUSE * 2 ** min(row.auto_repay_failures, 10), LONGEST_PAUSE)
        row.auto_repay_failures = min(row.auto_repay_failures + 1, 1000)
        row.auto_repay_trouble = f"{type(error).__name__}: {error}"[:200]
        row.auto_repay_at = now + pause
        row.save(update_fields=["auto_repay_failures", "auto_repay_trouble", "auto_repay_at"])
