"""Paperwork: what was done about a loan beside its money. Documents come and go, its settlement is ticked off."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.models.append_only import AppendOnly
from ledger.models.documents import Document
from ledger.models.loans import Loan
from ledger.models.people import Household


class Item(models.TextChoices):
    """What is to be seen to once a loan is paid off, in the order in which it is listed."""

    PROOF = "proof", _("Proof of settlement received")
    AUTO_DEBIT = "auto_debit", _("Auto-debit canceled")
    CREDIT_LINE = "credit_line", _("Credit line closed")
    INSURANCE = "insurance", _("Insurance canceled")
    COLLATERAL = "collateral", _("Collateral released")
    CREDIT_REPORT = "report", _("Credit report checked")

    @property
    def how(self) -> str:
        """What to do about it: one sentence that stands alone."""
        return str(_HOW[self])


_HOW = {
    Item.PROOF: _("Ask the lender for the proof of settlement, and keep it with the documents."),
    Item.AUTO_DEBIT: _("End the permission to debit with the lender and in your bank’s app."),
    Item.CREDIT_LINE: _("Close the line if you no longer want it: an open one shows in your credit report."),
    Item.INSURANCE: _("Cancel insurance sold with the loan, and ask for the part of the premium that is not used up."),
    Item.COLLATERAL: _("Have the mortgage, title or deposit given back and taken off the register."),
    Item.CREDIT_REPORT: _("In a month or two, check that your credit report shows the loan as paid off."),
}


class Deed(StrEnum):
    """A document came or went; an item was done, is not needed, or is to be done (after all)."""

    ATTACHED = "attached"
    REMOVED = "removed"
    DONE = "done"
    WAIVED = "waived"
    OPEN = "open"


OF_DOCUMENT = [Deed.ATTACHED.value, Deed.REMOVED.value]
OF_ITEM = [Deed.DONE.value, Deed.WAIVED.value, Deed.OPEN.value]


class Paperwork(AppendOnly):
    """One deed: of a document, or of an item of the settlement checklist, whose latest deed says where it stands."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="paperwork")
    deed = models.CharField(max_length=10)
    item = models.CharField(max_length=12, choices=Item.choices, blank=True)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, null=True, related_name="paperwork")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "deed"], name="paperwork_document_once"),
            models.CheckConstraint(
                condition=Q(deed__in=OF_DOCUMENT, document__isnull=False, item="")
                | Q(deed__in=OF_ITEM, document=None, item__in=Item.values),
                name="paperwork_of_document_or_item",
            ),
        ]
        indexes = [models.Index(fields=["household", "-recorded_at", "-id"], name="paperwork_newest")]
        verbose_name_plural = "paperwork"

    def __str__(self) -> str:
        return f"{self.deed} {self.item or self.document}"
