"""What a reader can do about a bill from the letter itself."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from ledger.models import Bill
from reminders.action_links import action_url
from reminders.emails.parts import Action, Around
from reminders.links import link


def actions(bill: Bill, tapped: Sequence[Action]) -> tuple[Action, ...]:
    """One-tap actions, then the pages that want a sign-in."""
    return (*tapped, record(bill, is_main=not tapped), see_loan(bill))


def one_tap(bill: Bill, around: Around) -> tuple[Action, ...]:
    """ "Paid", "Paid in part", "Remind me later", as far as the reader may; none of a bill that is settled.

    A viewer may only put reminders off; what is due today or late cannot be put off.
    """
    if not around.may_tap or bill.open.total <= 0:
        return ()
    given: list[Action] = []
    if around.may_write:
        paid = action_url("paid", bill, around.recipient, around.now)
        partly = action_url("partly", bill, around.recipient, around.now)
        given = [Action(_("Paid"), paid, is_main=True), Action(_("Paid in part"), partly, is_button=True)]
    if bill.payable_on > around.today:
        snooze = action_url("snooze", bill, around.recipient, around.now)
        given.append(Action(_("Remind me later"), snooze, is_button=True))
    return tuple(given)


def record(bill: Bill, *, is_main: bool) -> Action:
    url = f"{link('ledger:record_repayment', bill.loan_id)}?bill={bill.number}"
    return Action(_("Record a repayment"), url, is_main=is_main)


def see_loan(bill: Bill) -> Action:
    return Action(_("See the loan"), link("ledger:loan", bill.loan_id))
