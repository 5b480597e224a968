"""Lenders, and the lines they let a household draw on."""

from __future__ import annotations

import re
import unicodedata

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.models import CreditLine, Household, Lender
from ledger.services.refusal import Refusal

_WHOLE_NUMBER = re.compile(r"(?:[0-9][\s.·-]*){16,}")  # telephone numbers have fifteen digits at most (E.164)


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


def say_how_to_pay(*, lender: Lender, contact: str, how_to_pay: str) -> Lender | Refusal:
    """Write down how a lender is reached and paid. All that could be a whole card or identity number is refused; the
    same again changes nothing."""
    for field, text in (("contact", contact), ("how_to_pay", how_to_pay)):
        if _WHOLE_NUMBER.search(unicodedata.normalize("NFKC", text)):
            message = _("This looks like a whole card or identity number, which is never kept. Say where it is found.")
            return Refusal("whole_number", message, field)
    lender.contact, lender.how_to_pay = contact, how_to_pay
    lender.save(update_fields=["contact", "how_to_pay"])
    return lender
