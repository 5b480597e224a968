"""The part of a letter about a debit: done, failed, taken in part, presumed, or failing again and again."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from ledger.services.answer_links import LINK_LASTS, make_token
from ledger.templatetags.money import money_text
from reminders.emails.bills import bill_words, line
from reminders.emails.figures import BillFigures, gather
from reminders.emails.one_tap import actions, one_tap, record, see_loan
from reminders.emails.parts import Action, Around, Counted, Line, Part, Urgency, said
from reminders.links import link
from reminders.models import Reminder


def done(row: Reminder, around: Around) -> Part:
    """A debit went as it should."""
    bill = row.bill
    assert bill is not None
    figures = gather(row, around)
    subject, sentences = said("attempt_done", {"bill": figures})
    return Part(
        urgency=Urgency.NEWS,
        on=figures.tried_on,
        subject=subject,
        sentences=sentences,
        lines=(_done_line(row, figures),),
        actions=(see_loan(bill),),
        counted=Counted(bill.pk, figures.debited, figures.currency, figures.tried_on or around.today, is_debited=True),
        in_table=True,
    )


def _done_line(row: Reminder, bill: BillFigures) -> Line:
    notes = [_("Debited from %(account)s.") % {"account": bill.account}]
    if bill.left:
        notes.append(_("%(left)s of the bill is still open.") % {"left": money_text(bill.left, bill.currency)})
    return Line(
        title=bill.lender,
        subtitle=bill_words(bill),
        day=bill.tried_on,
        amount=bill.debited,
        currency=bill.currency,
        notes=tuple(notes),
        key=f"debit {row.attempt_id}",
    )


def failed(row: Reminder, around: Around) -> Part:
    """A debit took nothing: why, what is missing, when the lender tries again."""
    return _open("attempt_failed", row, around)


def partial(row: Reminder, around: Around) -> Part:
    """A debit took a part."""
    return _open("attempt_partial", row, around)


def keep_on(row: Reminder, around: Around) -> Part:
    """Auto-repay failed again and again: is it to go on?"""
    bill = row.bill
    assert bill is not None
    decide = Action(_("Keep, pause or change it"), link("ledger:mandate", bill.loan_id), is_main=True)
    return _open("keep_on", row, around, (decide, record(bill, is_main=False), see_loan(bill)))


def _open(name: str, row: Reminder, around: Around, offered: tuple[Action, ...] | None = None) -> Part:
    """A part about a debit that left something of its bill open."""
    bill = row.bill
    assert bill is not None
    figures, tapped = gather(row, around), one_tap(bill, around)
    subject, sentences = said(name, {"bill": figures})
    return Part(
        urgency=Urgency.FAILED,
        on=figures.payable_on,
        subject=subject,
        sentences=sentences,
        lines=(line(bill, figures, tapped),),
        actions=actions(bill, tapped) if offered is None else offered,
        counted=Counted(bill.pk, figures.left, figures.currency, figures.payable_on),
    )


def confirm(row: Reminder, around: Around) -> Part:
    """A debit is presumed: did it happen? Answered by link, without signing in, by those who may write."""
    bill = row.bill
    assert bill is not None
    figures = gather(row, around)
    answers = _answers(row, around)
    answer_by = around.household.today(around.now + LINK_LASTS)
    context: dict[str, Any] = {"bill": figures, "may_answer": bool(answers), "answer_by": answer_by}
    subject, sentences = said("confirm", context)
    return Part(
        urgency=Urgency.QUESTION,
        on=figures.tried_on,
        subject=subject,
        sentences=sentences,
        lines=(_presumed_line(row, figures),),
        actions=(*answers, see_loan(bill)),
    )


def _presumed_line(row: Reminder, bill: BillFigures) -> Line:
    return Line(
        title=bill.lender,
        subtitle=bill_words(bill),
        day=bill.tried_on,
        amount=bill.amount,
        currency=bill.currency,
        notes=(_("Presumed debited from %(account)s, not confirmed.") % {"account": bill.account},),
        key=f"debit {row.attempt_id}",
    )


def _answers(row: Reminder, around: Around) -> tuple[Action, ...]:
    """Both answers lead to the same page, which asks once more: programs that follow every link of a mail answer
    nothing."""
    if row.attempt is None or row.attempt.repayment_id is None or not (around.may_write and around.may_tap):
        return ()
    token = make_token(repayment=row.attempt.repayment_id, recipient=row.recipient_id, now=around.now)
    page = link("ledger:answer_debit", token)
    return (
        Action(_("Yes, debited"), f"{page}?say=yes", is_main=True),
        Action(_("No, it failed"), f"{page}?say=no", is_button=True),
    )
