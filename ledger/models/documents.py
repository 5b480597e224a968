"""Documents: receipts and contracts kept with a loan. The rows are here, what they hold is in `var/documents`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.models.facts import Fact
from ledger.models.loans import Loan
from ledger.models.people import Household
from ledger.querysets import DocumentQuerySet


class DocumentType(models.TextChoices):
    """What a file is by its first bytes; no other is kept."""

    PDF = "application/pdf", "PDF"
    JPEG = "image/jpeg", "JPEG"
    PNG = "image/png", "PNG"
    WEBP = "image/webp", "WebP"
    HEIC = "image/heic", "HEIC"


class DocumentKind(models.TextChoices):
    CONTRACT = "contract", _("Contract")
    RECEIPT = "receipt", _("Receipt")
    STATEMENT = "statement", pgettext_lazy("kind of document", "Statement")
    PROOF = "proof", _("Proof of settlement")
    OTHER = "other", pgettext_lazy("kind of document", "Something else")


class Document(models.Model):
    """A file about a loan, or about one repayment of it (`fact`). `storage` is the name of the file in the household's
    folder, `name` what people call it. Only removing changes a row: the file goes, the row stays and says who did it.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="documents")
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="documents")
    fact = models.ForeignKey(Fact, on_delete=models.RESTRICT, null=True, related_name="documents")
    kind = models.CharField(max_length=10, choices=DocumentKind.choices)
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=20, choices=DocumentType.choices)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage = models.CharField(max_length=32, unique=True)
    attached_at = models.DateTimeField()
    attached_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="document_key_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_kind_known"),
            models.CheckConstraint(condition=Q(type__in=DocumentType.values), name="document_type_known"),
            models.CheckConstraint(condition=Q(size__gt=0), name="document_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shown(self) -> bool:
        """Whether browsers may show it in place; the rest they are to keep as a file."""
        return self.type in {DocumentType.JPEG, DocumentType.PNG, DocumentType.WEBP}
