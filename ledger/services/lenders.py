"""Lenders, and the lines they let a household draw on."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.models import CreditLine, Household, Lender
from ledger.services.refusal import Refusal


def add_credit_line(
    *, household: Household, lender_name: str, name: str, currency: str, limit: int
) -> CreditLine | Refusal:
    """Add a limit (minor units) that can be borrowed again; a lender's line of the same name twice is refused."""
    if limit <= 0:
        return Refusal("not_positive", _("Enter an amount above zero."), "limit")
    try:
        with transaction.atomic():
            lender, _created = Lender.objects.get_or_create(household=household, name=lender_name)
            return CreditLine.objects.create(
                household=household, lender=lender, name=name, currency=currency, limit=limit
            )
    except IntegrityError:
        return Refusal("line_exists", _("This line is already on the list."), "name")
