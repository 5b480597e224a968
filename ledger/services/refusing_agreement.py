"""Why an agreement cannot be changed in some way."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from ledger.loanmath.checks import MOST_BILLS
from ledger.loanmath.facts import DeferralTreatment
from ledger.loanmath.terms import Method
from ledger.models import Bill, Fact, Loan
from ledger.models.facts import values_without_day
from ledger.selectors.history import History
from ledger.services.refusal import Refusal
from ledger.services.refusing import bill_of, refuse_count

HIGHEST_RATE = Decimal(10)
LONGEST_PAUSE = timedelta(days=3660)
FARTHEST_MOVE = timedelta(days=366)


def refuse_rate(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if _method(past, draft.effective_on) in (Method.FLAT, Method.LISTED):
        text = _("This loan’s bills do not follow from a rate. State the lender’s figure for a bill instead.")
        return Refusal("no_rate", text)
    if draft.annual_rate is None or not 0 <= draft.annual_rate <= HIGHEST_RATE:
        return Refusal("rate", _("Enter a yearly rate between 0 and 1000%."), "annual_rate")
    return None


def refuse_deferral(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = bill_of(draft, loan)
    refusal = _refuse_settled(bill)
    if refusal is not None or bill is None or draft.effect in values_without_day():
        return refusal
    if draft.moved_to is None or draft.moved_to <= bill.due_on:
        return Refusal("not_later", _("Choose a day after the bill’s due date."), "moved_to")
    if draft.effect == DeferralTreatment.MOVE:
        return None
    return _refuse_far(draft, bill)


def refuse_due_date_move(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    bill = bill_of(draft, loan)
    refusal = _refuse_settled(bill)
    if refusal is not None or bill is None:
        return refusal
    if bill.due_on <= draft.effective_on:
        return Refusal("already_due", _("This bill is due already. Choose a later one, or defer it."), "bill")
    if draft.moved_to is None or draft.moved_to == bill.due_on:
        return Refusal("same_day", _("Choose another day than the one it is due on now."), "moved_to")
    if draft.moved_to <= max(bill.starts_on, draft.effective_on):
        text = _("Choose a day after the bill before it, and after the day this was agreed on.")
        return Refusal("too_early", text, "moved_to")
    return _refuse_far(draft, bill)


def _refuse_settled(bill: Bill | None) -> Refusal | None:
    if bill is not None and bill.settled_on is not None:
        return Refusal("settled", _("This bill is already paid. Choose one that is open."), "bill")
    return None


def _refuse_far(draft: Fact, bill: Bill) -> Refusal | None:
    if draft.moved_to is not None and draft.moved_to > bill.due_on + FARTHEST_MOVE:
        return Refusal("too_far", _("Choose a day within a year of the bill’s due date."), "moved_to")
    return None


def refuse_pause(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if _method(past, draft.effective_on) in (Method.FLAT, Method.LISTED):
        text = _("This loan’s bills do not follow from days of interest. Record a waiver or a coupon instead.")
        return Refusal("no_rate", text)
    if draft.until is None or draft.until < draft.effective_on:
        return Refusal("until", _("Choose the first day or a later one."), "until")
    if draft.until > draft.effective_on + LONGEST_PAUSE:
        return Refusal("until", _("Choose a day within ten years."), "until")
    return None


def refuse_extension(draft: Fact, loan: Loan, past: History) -> Refusal | None:
    if _method(past, draft.effective_on) is Method.LISTED:
        text = _("This loan’s bills are the lender’s own table. Amend the agreement with the new table instead.")
        return Refusal("listed", text)
    if loan.settled_on is not None:
        return Refusal("settled", _("This loan is settled: there is nothing left to spread."))
    bills = Bill.objects.filter(loan=loan).needed().count()
    if bills >= MOST_BILLS:
        return Refusal("count", _("A loan has at most 600 bills."), "count")
    text = _("Enter how many bills are added: a whole number from 1 to %(most)s.") % {"most": MOST_BILLS - bills}
    return refuse_count(draft.count, MOST_BILLS - bills, text)


def _method(past: History, day: date) -> Method:
    return past.terms_on(day).method
