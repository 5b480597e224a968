"""The form that attaches a document to a loan."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from ledger.forms.fields import WritingForm
from ledger.loanmath.money import said_amount
from ledger.models import Fact, Loan
from ledger.models.documents import DocumentKind, DocumentType
from ledger.selectors.documents import MOST_REPAYMENTS, repayments_to_choose
from ledger.selectors.paging import read_id
from ledger.services.documents import too_large

ACCEPTED = ",".join([*DocumentType.values, ".heic", ".heif"])


class RepaymentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the loan's repayments, by its day and amount."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        return super().to_python(text if read_id(text) is not None or not text else "0")

    def label_from_instance(self, fact: Fact) -> str:
        day = date_format(fact.effective_on, pgettext("date format, with year", "j M Y"))
        return f"{day} · {said_amount(fact.amount or 0, fact.loan.currency)}"


class DocumentForm(WritingForm):
    """A file, what it is, and the repayment it is about if any. The file stands last: what comes before it is read even
    where the file is too large."""

    kind = forms.ChoiceField(
        label=pgettext_lazy("a document", "What it is"),
        choices=DocumentKind.choices,
        error_messages={"invalid_choice": gettext_lazy("Choose one from the list.")},
    )
    fact = RepaymentChoice(
        label=gettext_lazy("About a repayment"),
        queryset=Fact.objects.none(),
        required=False,
        empty_label=gettext_lazy("No, about the loan"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of this loan’s repayments.")},
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )

    def __init__(self, *args: Any, loan: Loan, dropped: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._dropped = dropped
        choice = self.fields["fact"]
        choice.queryset = repayments_to_choose(loan).select_related("loan")  # type: ignore[attr-defined]
        self.fields["file"].help_text = _("PDF, JPEG, PNG, WebP or HEIC, up to %(most)s MB.") % {
            "most": settings.DOCUMENT_BYTES // settings.MEGABYTE
        }
        self.has_repayments = self._offer(choice, str(self["fact"].value() or ""))

    @staticmethod
    def _offer(choice: Any, asked: str) -> bool:
        """Offer the latest repayments and the one that is `asked` for; any other of the loan's is taken as well."""
        latest = list(choice.queryset[:MOST_REPAYMENTS])
        if read_id(asked) is not None and asked not in {str(one.pk) for one in latest}:
            latest += choice.queryset.filter(pk=asked)
        choice.choices = [("", choice.empty_label), *((one.pk, choice.label_from_instance(one)) for one in latest)]
        return bool(latest)

    def clean_file(self) -> Any:
        if self._dropped:
            raise forms.ValidationError(str(too_large().message), code="too_large")
        if self.cleaned_data["file"] is None:
            raise forms.ValidationError(_("Choose a file."), code="required")
        return self.cleaned_data["file"]
