"""The figures of a bill that a letter tells, as things stand at the moment it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from ledger.loanmath.debits import DebitRule, window, windows_on
from ledger.loanmath.funding import Funding
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill
from ledger.templatetags.money import money_text
from reminders.emails.parts import Around
from reminders.models import Reminder

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Debit:
    """What auto-repay will do about a bill. `windows` are those of the day of the next try, `next_at` is the try,
    local, None while one is under way; `missing` is what the account lacks by then, for this bill and those debited
    before it."""

    account: str
    windows: str
    next_at: datetime | None
    funding: Funding
    leans_on: str  # the inflows without which it is not covered
    missing: int = 0
    above_cap: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waiting with a bill costs: what one more day adds, and, while a grace period lasts beyond tomorrow, what is
    added on the first day after it, `after_grace`."""

    tomorrow: int = 0
    after_grace: int = 0
    grace_over_on: date | None = None


@dataclass(frozen=True, slots=True)
class BillFigures:
    """What a letter tells about a bill. Amounts in minor units of `currency`.

    `amount` is still open, `presumed` was debited as far as one knows; for an attempt `amount` is what was asked for,
    `debited` what was taken (from all accounts then, as `account` names them), `left` what is open now, `reason` why it
    took no more, `mandate` what it was made under.
    `pay_by` is the last day without a penalty, None where it is past. `penalty` is the part of `left` that lateness
    cost so far, `waiting` what more of it costs, `grace_until` the last day without a penalty of what is late already.
    """

    lender: str
    loan: str
    number: int
    count: int
    currency: str
    amount: int
    paid: int
    left: int
    presumed: int
    payable_on: date
    today: date
    account: str
    debit: Debit | None
    penalty: int = 0
    waiting: Waiting = Waiting()
    grace_until: date | None = None
    tried_at: datetime | None = None
    missing: int = 0
    debited: int = 0
    reason: str = ""
    pay_by: date | None = None
    mandate: AutoRepayMandate | None = None

    @property
    def days_left(self) -> int:
        return (self.payable_on - self.today).days

    @property
    def days_late(self) -> int:
        return -self.days_left

    @property
    def tried_on(self) -> date | None:
        return self.tried_at.date() if self.tried_at else None

    @property
    def next_try_on(self) -> date | None:
        return self.debit.next_at.date() if self.debit and self.debit.next_at else None

    @property
    def debit_on(self) -> date:
        """The day of the next try; today while one is under way."""
        return self.next_try_on or self.today

    @property
    def is_debited(self) -> bool:
        """Whether a debit is to come that its mandate allows."""
        return self.debit is not None and not self.debit.above_cap

    @property
    def is_short(self) -> bool:
        return self.debit is not None and self.is_debited and self.debit.funding is Funding.SHORT

    @property
    def is_covered(self) -> bool:
        return self.debit is not None and self.is_debited and self.debit.funding is Funding.COVERED


def gather(row: Reminder, around: Around) -> BillFigures:
    """The figures of the bill that a row is about, and of its attempt, if it is about one."""
    bill = row.bill
    assert bill is not None
    loan, attempt, today = bill.loan, row.attempt, around.today
    late = bill.payable_on < today
    left = bill.open.total
    debit = _debit(bill, around)
    parts = around.parts_of(attempt) if attempt else []
    return BillFigures(
        lender=loan.lender.name,
        loan=loan.name,
        number=bill.number,
        count=around.bills_of(loan.pk),
        currency=loan.currency,
        amount=parts[0].requested if parts else left,
        paid=bill.paid.total,
        left=left,
        presumed=bill.presumed,
        payable_on=bill.payable_on,
        today=today,
        account=_accounts(parts, loan.currency) if parts else (debit.account if debit else ""),
        debit=debit,
        penalty=bill.open.penalty,
        waiting=_waiting(bill, around) if late and left else Waiting(),
        grace_until=_grace_until(bill, today) if late else None,
        tried_at=attempt.window_at.astimezone(around.zone) if attempt else None,
        missing=attempt.missing if attempt else 0,
        debited=sum(part.debited for part in parts),
        reason=attempt.reason if attempt else "",
        pay_by=_last_day(bill) if today <= _last_day(bill) else None,
        mandate=attempt.mandate if attempt else None,
    )


def _accounts(parts: Sequence[AutoRepayAttempt], currency: str) -> str:
    """From which account, or of several how much from each: "Card ••1234 (¥900.00) and Savings (¥166.19)"."""
    if len(parts) == 1:
        return str(parts[0].account)
    *rest, last = [
        _("%(account)s (%(amount)s)") % {"account": part.account, "amount": money_text(part.debited, currency)}
        for part in parts
    ]
    return _("%(amounts)s and %(last)s") % {"amounts": ", ".join(rest), "last": last}


def _debit(bill: Bill, around: Around) -> Debit | None:
    """What auto-repay will do about this bill; None without a mandate, or where the lender no longer tries."""
    cover = around.cover(bill)
    mandate = bill.loan.mandate
    if cover is None or mandate is None:
        return None
    return Debit(
        account=cover.paid_from,
        windows=_windows(bill, mandate.rule, cover.debit_at.astimezone(around.zone)),
        next_at=cover.debit_at.astimezone(around.zone) if cover.debit_at > around.now else None,
        funding=cover.funding,
        leans_on=cover.leans_on,
        missing=cover.short_by,
        above_cap=cover.above_cap,
    )


def _windows(bill: Bill, rule: DebitRule, at: datetime) -> str:
    """The windows of the day of the try at `at` (local) that are not over by then: "09:30 / 15:30"."""
    days = (at.date() - bill.payable_on).days
    left = [text for text in windows_on(rule, days) if max(window(text).looks()) >= at.time()]
    return " / ".join(left) or f"{at:%H:%M}"


def _waiting(bill: Bill, around: Around) -> Waiting:
    """What the bill grows by, if nothing is paid. One projection of the loan for each day asked about."""
    past = around.history(bill.loan)

    def left(day: date) -> int:
        return next((one.open.total for one in past.project(day).bills if one.number == bill.number), 0)

    now, tomorrow, over_on = left(around.today), around.today + ONE_DAY, _last_day(bill) + ONE_DAY
    in_grace = over_on > tomorrow
    return Waiting(
        tomorrow=max(0, left(tomorrow) - now),
        after_grace=max(0, left(over_on) - now) if in_grace else 0,
        grace_over_on=over_on if in_grace else None,
    )


def _last_day(bill: Bill) -> date:
    """The last day on which paying costs no penalty."""
    return bill.payable_on + timedelta(days=bill.loan.grace_days)


def _grace_until(bill: Bill, today: date) -> date | None:
    return _last_day(bill) if bill.loan.grace_days and today <= _last_day(bill) else None
