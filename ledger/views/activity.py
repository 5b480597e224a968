"""Activity: what happened, by whom or what."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.models.facts import Kind
from ledger.selectors.activity import ATTEMPT, OPENED, PAPERWORK, activity_page
from loantracker.http import PageRequest, member_page, page


@member_page
def activity(request: PageRequest) -> HttpResponse:
    """Every fact and every debit that failed, newest first, by loan and kind."""
    shown = activity_page(request.household, request.GET.dict())
    kinds = [
        (Kind.REPAYMENT.value, _("Repayments")),
        (ATTEMPT, _("Debits that took nothing")),
        (Kind.CONFIRMATION.value, _("Confirmations")),
        (Kind.REVERSAL.value, _("Undone")),
        (Kind.CHARGE.value, _("Charges")),
        (Kind.WAIVER.value, _("Waivers")),
        (Kind.COUPON.value, _("Coupons and subsidies")),
        (Kind.REFUND.value, _("Refunds")),
        (Kind.DRAWDOWN.value, _("Drawdowns")),
        (Kind.RATE_CHANGE.value, _("Rate changes")),
        (Kind.DEFERRAL.value, _("Deferrals")),
        (Kind.DUE_DATE_MOVE.value, _("Moved due days")),
        (Kind.PAUSE.value, _("Pauses")),
        (Kind.EXTENSION.value, _("Extensions")),
        (Kind.TERMS.value, _("Amended agreements")),
        (Kind.ARRANGEMENT.value, _("Arrangements")),
        (Kind.LENDER_FIGURE.value, _("Lender’s figures")),
        (OPENED, _("Loans added")),
        (PAPERWORK, _("Papers")),
    ]
    return page(request, "ledger/activity.html", {"shown": shown, "kinds": kinds, "key": uuid4().hex})
