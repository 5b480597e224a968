"""The settlement checklist: saying what was seen to once a loan is paid off."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.models import Loan, Paperwork
from ledger.models.paperwork import OF_ITEM, Deed, Item
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal


def mark_item(*, loan: Loan, item: Item, deed: Deed, recording: Recording) -> Paperwork | Refusal:
    """Say of one item that it is done, not needed, or to do (again). Saying what is said already adds nothing.

    Only a loan that is paid off has a checklist; its marks stay when a repayment is undone, and count again later.
    """
    if deed.value not in OF_ITEM:
        raise ValueError(f"{deed} is no deed of an item")
    with transaction.atomic():
        settled_on = Loan.objects.select_for_update().values_list("settled_on", flat=True).get(pk=loan.pk)
        if settled_on is None:
            return Refusal("not_settled", _("There is something left to pay. The checklist is for paid-off loans."))
        said = Paperwork.objects.filter(loan=loan, item=item).order_by("-id").first()
        if said is not None and said.deed == deed:
            return said
        return Paperwork.objects.create(
            household_id=loan.household_id,
            loan=loan,
            deed=deed,
            item=item,
            recorded_at=recording.now,
            recorded_by=recording.by,
        )
