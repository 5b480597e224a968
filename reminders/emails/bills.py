"""The part of a letter about a bill that is to be paid."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ledger.loanmath.funding import Funding
from ledger.models import Bill
from ledger.templatetags.days import day_text
from ledger.templatetags.money import money_text
from reminders import rules
from reminders.emails.figures import BillFigures, Debit, gather
from reminders.emails.one_tap import actions, one_tap
from reminders.emails.parts import Action, Around, Counted, Line, Part, Urgency, said
from reminders.models import Reminder

SECOND = "second"  # the step told to the second person; the others are `rules.Also` and days


def step(row: Reminder, around: Around) -> Part:
    """A step of a bill: what is due, what auto-repay will do about it, what waiting costs."""
    bill = row.bill
    assert bill is not None
    figures = gather(row, around)
    context = {"bill": figures, "past_due": past_due_days(row.step), "household": around.household.name}
    on_time = row.pk is None or row.send_at.astimezone(around.zone).date() == around.today
    subject, sentences = said(template(row.step, figures, on_time=on_time), context)
    tapped = one_tap(bill, around)
    return Part(
        urgency=_urgency(figures),
        on=figures.payable_on,
        subject=subject,
        sentences=sentences,
        lines=(line(bill, figures, tapped),),
        actions=actions(bill, tapped),
        counted=Counted(bill.pk, figures.left, figures.currency, figures.payable_on),
        in_table=True,
    )


def template(step: str, bill: BillFigures, *, on_time: bool = True) -> str:
    """The template of a step. How the bill stands decides; the step decides where it says more than that, and says
    what still holds where it is not sent on its day."""
    if step == SECOND:
        return SECOND
    if bill.days_left < 0:
        return _overdue_template(step, bill)
    if bill.days_left == 0:
        is_evening = step == rules.Also.EVENING
        return "evening" if is_evening else _wording(bill)
    if step == rules.Also.ISSUED or (step == rules.Also.WORKING_DAY and on_time):
        return step
    return _wording(bill)


def _overdue_template(step: str, bill: BillFigures) -> str:
    if step.startswith(rules.Also.PAST_DUE) and bill.days_late == past_due_days(step) - 1:
        return "past_due"
    return "grace" if step == rules.Also.GRACE and bill.grace_until == bill.today else "overdue"


def _wording(bill: BillFigures) -> str:
    return rules.wording(bill.days_left, auto_repay=bill.is_debited, short=bill.is_short)


def past_due_days(step: str) -> int:
    """30, 60 or 90 of "past_due-30" and its like; 0 of any other step."""
    return int(step.rpartition("-")[2]) if step.startswith(rules.Also.PAST_DUE) else 0


def _urgency(bill: BillFigures) -> Urgency:
    if bill.days_left < 0:
        return Urgency.OVERDUE
    return Urgency.TODAY if bill.days_left == 0 else Urgency.COMING


def line(bill: Bill, figures: BillFigures, tapped: tuple[Action, ...]) -> Line:
    """The bill's row in the letter's table: what is still open of it, and in the notes what happens by itself."""
    return Line(
        title=figures.lender,
        subtitle=bill_words(figures),
        day=figures.payable_on,
        amount=figures.left,
        currency=figures.currency,
        notes=tuple(_notes(figures)),
        actions=tapped,
        key=f"bill {bill.pk}",
        is_late=figures.days_left < 0,
    )


def bill_words(bill: BillFigures) -> str:
    """Which bill it is: "Laptop, bill 1 of 12"."""
    return _("%(loan)s, bill %(number)s of %(count)s") % {
        "loan": bill.loan,
        "number": bill.number,
        "count": bill.count,
    }


def _notes(bill: BillFigures) -> list[str]:
    """What there is to know about a bill beside its day and amount, in short sentences."""
    notes = [debit_note(bill.debit, bill.currency)]
    if bill.paid:
        paid = money_text(bill.paid, bill.currency)
        notes.append(_("%(paid)s is paid already; this is what is left.") % {"paid": paid})
    if bill.penalty:
        notes.append(
            _("%(penalty)s of it is penalty (estimated).") % {"penalty": money_text(bill.penalty, bill.currency)}
        )
    return [*notes, *waiting_notes(bill)]


def waiting_notes(bill: BillFigures) -> list[str]:
    """What waiting costs: until tomorrow, and after the grace period."""
    notes = []
    if bill.grace_until is not None:
        until = day_text(bill.grace_until, bill.today)
        notes.append(_("No penalty if it is paid by %(until)s.") % {"until": until})
    if bill.waiting.tomorrow:
        costs = money_text(bill.waiting.tomorrow, bill.currency)
        notes.append(_("Waiting until tomorrow adds %(costs)s.") % {"costs": costs})
    if bill.waiting.after_grace:
        costs = money_text(bill.waiting.after_grace, bill.currency)
        over = day_text(bill.waiting.grace_over_on, bill.today)
        notes.append(_("From %(day)s on, waiting will have added %(costs)s.") % {"day": over, "costs": costs})
    return notes


def debit_note(debit: Debit | None, currency: str) -> str:
    """What auto-repay will do, and whether the account covers it, in one sentence."""
    if debit is None:
        return _("No auto-repay: please pay by hand.")
    if debit.above_cap:
        return _("It is more than the limit for one debit, so the lender takes nothing: please pay by hand.")
    if debit.missing:
        missing = money_text(debit.missing, currency)
        return _("Auto-repay from %(account)s, which is %(missing)s short.") % {
            "account": debit.account,
            "missing": missing,
        }
    if debit.leans_on:
        return _("Auto-repay from %(account)s, which covers it if %(inflow)s comes in.") % {
            "account": debit.account,
            "inflow": debit.leans_on,
        }
    if debit.funding is Funding.COVERED:
        return _("Auto-repay from %(account)s, which covers it.") % {"account": debit.account}
    return _("Auto-repay from %(account)s, whose balance is not known here.") % {"account": debit.account}
