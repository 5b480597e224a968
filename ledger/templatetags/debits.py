"""How auto-repay is spoken of: what a mandate covers, and why a debit took nothing, or less."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext_lazy as _

from ledger.models import AutoRepayMandate
from ledger.models.autorepay import Reason
from ledger.selectors.mandates import covered_text

register = template.Library()

_REASONS = {
    Reason.INSUFFICIENT: _("not enough money in the account"),
    Reason.CARD_LIMIT: _("more than the limit for one debit"),
    Reason.CARD_CLOSED: _("the account is closed or lost"),
    Reason.MANDATE_EXPIRED: _("the permission to debit had ended"),
    Reason.LENDER_OUTAGE: _("the lender’s systems were down"),
    Reason.OTHER: _("for another reason, or one not known"),
}


@register.filter
def covers(mandate: AutoRepayMandate) -> str:
    """What a mandate covers; see `covered_text`."""
    return covered_text(mandate)


@register.filter
def because(reason: str) -> str:
    """Why a debit took nothing, or less than it asked for, within a sentence; "" without a reason."""
    return str(_REASONS[Reason(reason)]) if reason else ""
