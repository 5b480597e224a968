"""What all refusals of a change share: how they look a bill up, say an amount and hold one to its limits."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from ledger.loanmath.money import LIMIT, said_amount
from ledger.models import Bill, Fact, Loan
from ledger.selectors.history import History
from ledger.services.refusal import Refusal

Refuse = Callable[[Fact, Loan, History], Refusal | None]


def bill_of(draft: Fact, loan: Loan) -> Bill | None:
    """The bill a draft names, if the loan has it."""
    return Bill.objects.filter(loan=loan, number=draft.bill_number or 0).needed().first()


def said(minor: int, loan: Loan) -> str:
    """An amount with its currency."""
    return said_amount(minor, loan.currency)


def refuse_amount(amount: int | None, field: str = "amount") -> Refusal | None:
    if not amount or amount <= 0:
        return Refusal("not_positive", _("Enter an amount above zero."), field)
    if amount > LIMIT:
        return Refusal("too_large", _("This amount is too large to be real. Check the number of digits."), field)
    return None


def refuse_count(count: int | None, most: int, text: str) -> Refusal | None:
    """Refuses what is no whole number from 1 to `most`; `text` says which one is asked for."""
    if count is None or not 1 <= count <= most:
        return Refusal("count", text, "count")
    return None
