"""The digest of a month: what became of the last one's bills, what this one asks for, what is still owed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from ledger.models import Bill, Loan
from ledger.selectors.bills import BillRow, bill_row, with_auto_repay
from ledger.templatetags.money import money_text
from reminders.emails.parts import Action, Around, Line, Part, Urgency, said
from reminders.links import link
from reminders.models import Reminder


def digest(row: Reminder, around: Around) -> Part:
    """Last month paid, presumed and overdue; this month's bills with their days and accounts; what is still owed."""
    first = row.about_on
    assert first is not None  # reminder_subject_of_its_kind
    before, last = (first - timedelta(days=1)).replace(day=1), first + relativedelta(day=31)
    wanted = Q(payable_on__range=(before, last)) | Q(settled_on=None, payable_on__lt=before)
    bills = with_auto_repay(Bill.objects.of_household(around.household).needed().filter(wanted))
    rows = [bill_row(bill, around.today) for bill in bills.order_by("payable_on", "pk")]
    passed = [one for one in rows if before <= one.payable_on < first]
    coming = [one for one in rows if first <= one.payable_on and one.is_open]
    context = {
        "month": first,
        "last_month": before,
        "count": len(coming),
        "due": _amounts((one.currency, one.open.total) for one in coming),
        "first_on": coming[0].payable_on if coming else None,
        "paid": _amounts((one.currency, one.confirmed) for one in passed),
        "presumed": _amounts((one.currency, one.presumed) for one in passed),
        "overdue": _amounts((one.currency, one.open.total) for one in rows if one.is_late),
        "owed": _amounts(_owed(around)),
        "today": around.today,
    }
    subject, sentences = said("digest", context)
    return Part(
        urgency=Urgency.NEWS,
        on=first,
        subject=subject,
        sentences=sentences,
        lines=_lines([one for one in rows if one.is_late and one.payable_on < first], coming),
        actions=(Action(_("See everything that is due"), link("ledger:overview"), is_main=True),),
    )


def _owed(around: Around) -> Iterable[tuple[str, int]]:
    loans = Loan.objects.current().filter(household=around.household).order_by("currency")
    return [
        (row["currency"], row["owed"]) for row in loans.values("currency").annotate(owed=Sum("outstanding_principal"))
    ]


def _lines(late: Sequence[BillRow], coming: Sequence[BillRow]) -> tuple[Line, ...]:
    return tuple(_line(one) for one in (*late, *coming))


def _line(bill: BillRow) -> Line:
    account = _("Auto-repay from %(account)s.") % {"account": bill.auto_repay}
    return Line(
        title=bill.lender,
        subtitle=_("%(loan)s, bill %(number)s") % {"loan": bill.loan, "number": bill.number},
        day=bill.payable_on,
        amount=bill.open.total,
        currency=bill.currency,
        notes=(account if bill.auto_repay else _("No auto-repay: please pay by hand."),),
        key=f"bill {bill.id}",
        is_late=bill.is_late,
    )


def _amounts(amounts: Iterable[tuple[str, int]]) -> str:
    """A sum in each currency, "" for nothing: "¥2,120.00", "¥2,120.00 + $50.00"."""
    sums: defaultdict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        sums[currency] += amount
    return " + ".join(money_text(amount, currency) for currency, amount in sorted(sums.items()) if amount)
