"""The parts of a letter that are no bill and no debit: accounts that come short, days in the life of a loan, the end of
a permission, a loan paid off."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import F, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.loanmath.facts import Coupon, CouponKind
from ledger.loanmath.milestones import Coming
from ledger.models import Allocation, AutoRepayMandate, Bill, Loan
from ledger.models.bills import PARTS
from ledger.selectors.accounts import AccountLine, BillCover, account_lines
from ledger.selectors.settlement import checklist
from ledger.templatetags.money import money_text, percent
from reminders.emails.parts import Action, Around, Line, Part, Urgency, said
from reminders.links import link
from reminders.models import Reminder
from reminders.occasions import SHORT_AHEAD, loan_milestones, read, short_on


def shortfall(row: Reminder, around: Around) -> Part:
    """An account does not cover its debits: how much is missing by when, and for which bills."""
    account, on = row.account, row.about_on
    assert account is not None  # reminder_subject_of_its_kind
    assert on is not None
    lines = account_lines(around.household, around.today, max(SHORT_AHEAD, (on - around.today).days))
    line = next((one for one in lines if one.account == account), None)
    day = (short_on(line, around.today) if line is not None else None) or on
    covers = _debits_until(line, day) if line is not None else []
    context = {
        "account": str(account),
        "currency": account.currency,
        "missing": max((cover.short_by for cover in covers), default=0),
        "asked": sum(cover.amount for cover in covers),
        "count": len(covers),
        "balance": line.balance.amount if line is not None and line.balance is not None else None,
        "on": day,
        "today": around.today,
    }
    subject, sentences = said("shortfall", context)
    return Part(
        urgency=Urgency.SHORT,
        on=day,
        subject=subject,
        sentences=sentences,
        lines=tuple(_debit_line(cover, account.currency) for cover in covers),
        actions=_account_actions(account.pk, around),
    )


def _debits_until(line: AccountLine, day: date) -> list[BillCover]:
    """The debits up to the day on which the account comes short, those it covers included."""
    return [step.cover for step in line.steps if step.cover is not None and step.on <= day and not step.cover.above_cap]


def _debit_line(cover: BillCover, currency: str) -> Line:
    short = _("%(missing)s is missing for it.") % {"missing": money_text(cover.missing, currency)}
    return Line(
        title=cover.lender_name,
        subtitle=_("%(loan)s, bill %(number)s") % {"loan": cover.loan_name, "number": cover.number},
        day=cover.debit_on,
        amount=cover.amount,
        currency=currency,
        notes=(short if cover.missing else _("The account covers it."),),
        key=f"bill {cover.bill}",
    )


def _account_actions(account: int, around: Around) -> tuple[Action, ...]:
    see = Action(_("See the accounts"), link("ledger:accounts"))
    if not around.may_write:
        return (see,)
    return Action(_("I moved money: state the balance"), link("ledger:state_balance", account), is_main=True), see


def coupon(row: Reminder, around: Around) -> Part:
    """A coupon counts for the last time."""
    loan, coming = _coming(row, around)
    context = _loan_context(row, loan, around) | {"coupon": coupon_words(_coupon(coming), loan.currency)}
    return _of_loan("coupon", Urgency.COMING, row, loan, context)


def promotion(row: Reminder, around: Around) -> Part:
    """A low rate ends."""
    loan, coming = _coming(row, around)
    context = _loan_context(row, loan, around) | _rates(coming)
    context |= {"coupon": coupon_words(_coupon(coming), loan.currency), "bill": _bill_from(loan, row.about_on)}
    return _of_loan("promotion", Urgency.COMING, row, loan, context)


def repricing(row: Reminder, around: Around) -> Part:
    """The rate is set anew."""
    loan, coming = _coming(row, around)
    context = _loan_context(row, loan, around) | _rates(coming) | {"bill": _bill_from(loan, row.about_on)}
    return _of_loan("repricing", Urgency.COMING, row, loan, context)


def lock_in(row: Reminder, around: Around) -> Part:
    """The loan may be repaid early from now on, or without a fee."""
    loan, coming = _coming(row, around)
    context = _loan_context(row, loan, around) | {"is_free": coming is not None and coming.is_free}
    return _of_loan("lock_in", Urgency.NEWS, row, loan, context)


def mandate_expiring(row: Reminder, around: Around) -> Part:
    """The permission to debit ends: the first bills that nobody will debit."""
    loan = _loan(row)
    mandate = AutoRepayMandate.objects.live().filter(covered_loans=loan, expires_on=row.about_on).first()
    loans = list(mandate.covered_loans.current().filter(settled_on=None)) if mandate is not None else [loan]
    bills = [bill for one in loans if (bill := _bill_from(one, row.about_on, after=True)) is not None]
    bills.sort(key=lambda bill: (bill.payable_on, bill.pk))
    context = _loan_context(row, loan, around) | {"count": len(loans), "bill": bills[0] if bills else None}
    renew = Action(_("Renew auto-repay"), link("ledger:mandate", loan.pk), is_main=True)
    return _of_loan("mandate_expiring", Urgency.COMING, row, loan, context, (renew,), tuple(map(_bill_line, bills)))


def paid_off(row: Reminder, around: Around) -> Part:
    """Nothing is left to pay; what is still to be seen to, as the loan's checklist has it."""
    loan = _loan(row)
    left = checklist(loan)
    points = tuple(line.item.how for line in left.open) if left is not None else ()
    context = _loan_context(row, loan, around) | {"paid": _paid(loan), "points": points}
    tick_off = Action(_("Tick it off"), link("ledger:settlement", loan.pk), is_main=True)
    return _of_loan("paid_off", Urgency.NEWS, row, loan, context, (tick_off,) if points else (), points=points)


def coupon_words(coupon: Coupon | None, currency: str) -> str:
    """What a coupon takes off: "¥50.00 off", "2 bills without interest"; "" for none."""
    if coupon is None:
        return ""
    if coupon.kind is CouponKind.AMOUNT:
        return _("%(amount)s off") % {"amount": money_text(coupon.amount, currency)}
    if coupon.kind is CouponKind.SHARE:
        return _("%(share)s off interest and fees") % {"share": percent(coupon.fraction)}
    if coupon.kind is CouponKind.RATE:
        return _("%(share)s a year off the rate") % {"share": percent(coupon.fraction)}
    if coupon.kind is CouponKind.FREE_DAYS:
        words = ngettext("%(count)d day without interest", "%(count)d days without interest", coupon.count)
    else:
        words = ngettext("%(count)d bill without interest", "%(count)d bills without interest", coupon.count)
    return words % {"count": coupon.count}


def _loan(row: Reminder) -> Loan:
    assert row.loan is not None  # reminder_subject_of_its_kind
    return row.loan


def _coming(row: Reminder, around: Around) -> tuple[Loan, Coming | None]:
    """The loan and its milestone that a row is about, None where it is no longer there."""
    loan = _loan(row)
    found = loan_milestones(loan, read([row.household_id], around.now), around.today)
    return loan, next((one for one in found if one.what == row.kind and one.on == row.about_on), None)


def _coupon(coming: Coming | None) -> Coupon | None:
    return coming.coupon if coming is not None else None


def _loan_context(row: Reminder, loan: Loan, around: Around) -> dict[str, Any]:
    return {
        "lender": loan.lender.name,
        "loan": loan.name,
        "currency": loan.currency,
        "left": loan.outstanding_principal,
        "on": row.about_on,
        "today": around.today,
    }


def _rates(coming: Coming | None) -> dict[str, Any]:
    """The rates in words; "" where they are not known."""
    before, after = (coming.before, coming.after) if coming is not None else (None, None)
    return {
        "before": percent(before) if before is not None else "",
        "after": percent(after) if after is not None else "",
    }


def _bill_from(loan: Loan, day: date | None, *, after: bool = False) -> Bill | None:
    """The first open bill due on a day or later, or payable `after` it."""
    from_day = {"payable_on__gt": day} if after else {"due_on__gte": day}
    return Bill.objects.filter(loan=loan, **from_day).open().select_related("loan__lender").order_by("number").first()


def _bill_line(bill: Bill) -> Line:
    return Line(
        title=bill.loan.lender.name,
        subtitle=_("%(loan)s, bill %(number)s") % {"loan": bill.loan.name, "number": bill.number},
        day=bill.payable_on,
        amount=bill.open.total,
        currency=bill.loan.currency,
        notes=(_("Auto-repay will have ended by then."),),
    )


def _paid(loan: Loan) -> int:
    """All that was repaid, in minor units."""
    allocated = Allocation.objects.filter(loan=loan)
    paid: int = allocated.aggregate(paid=Sum(sum((F(part) for part in PARTS[1:]), F(PARTS[0])), default=0))["paid"]
    return paid


def _of_loan(
    name: str,
    urgency: Urgency,
    row: Reminder,
    loan: Loan,
    context: dict[str, Any],
    actions: tuple[Action, ...] = (),
    lines: tuple[Line, ...] = (),
    points: tuple[str, ...] = (),
) -> Part:
    subject, sentences = said(name, context)
    return Part(
        urgency=urgency,
        on=row.about_on,
        subject=subject,
        sentences=sentences,
        lines=lines,
        actions=(*actions, Action(_("See the loan"), link("ledger:loan", loan.pk))),
        points=points,
    )
