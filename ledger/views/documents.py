"""A loan's documents: the list, attaching one, handing one out, removing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.documents import DocumentForm
from ledger.models import Document, Loan
from ledger.models.documents import DocumentKind
from ledger.selectors.documents import documents_page
from ledger.selectors.paging import read_id
from ledger.services import documents as services
from ledger.services.document_files import path_of
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, member_page, own, page

# What a document may do in a browser: nothing. It is shown as an image where it is one, and saved where it is not.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; sandbox"
)


@member_page
def documents(request: PageRequest, loan_id: int) -> HttpResponse:
    """What is kept with a loan; a post attaches one more. `?repayment=` begins with a receipt for it, `?kind=` with a
    document of that kind."""
    mine = own(request, Loan.objects.select_related("lender"), pk=loan_id)
    if request.method == "POST":
        return _attach(request, mine)
    asked = request.GET.get("repayment", "")
    kind = request.GET.get("kind", "")
    start: dict[str, Any] = {"kind": kind if kind in DocumentKind.values else DocumentKind.RECEIPT}
    if read_id(asked) is not None:
        start["fact"] = asked
    return _page(request, mine, DocumentForm(loan=mine, initial=start))


@editor_page
def _attach(request: PageRequest, loan: Loan) -> HttpResponse:
    sent = request.FILES
    form = DocumentForm(request.POST, sent, loan=loan, dropped=getattr(request, "has_dropped_file", False))
    if not form.is_valid():
        return _page(request, loan, form, 422)
    attached = services.attach_document(
        loan=loan,
        upload=form.cleaned_data["file"],
        kind=DocumentKind(form.cleaned_data["kind"]),
        fact=form.cleaned_data["fact"],
        recording=Recording(key=form.cleaned_data["key"], now=request.now, by=request.user),
    )
    if isinstance(attached, Refusal):
        return _page(request, loan, form, form.refuse(attached))
    messages.success(request, _("%(document)s is kept with this loan.") % {"document": attached})
    return go(request, "ledger:documents", loan.pk)


@member_page
def document(request: PageRequest, loan_id: int, document_id: int) -> Any:
    """The file itself, to members of the household alone: images are shown, and nothing in them runs; all else is
    handed over as a file."""
    mine = _document(request, loan_id, document_id)
    _refuse_removed(mine)
    try:
        file = path_of(mine.household_id, mine.storage).open("rb")
    except FileNotFoundError:
        raise Http404(_("This document’s file is missing.")) from None
    answer = FileResponse(file, as_attachment=not mine.is_shown, filename=mine.name, content_type=mine.type)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


@editor_page
def remove_document(request: PageRequest, loan_id: int, document_id: int) -> HttpResponse:
    """Ask once more, since a file that was erased is gone; a post erases it, and says so however often it is sent."""
    mine = _document(request, loan_id, document_id)
    if request.method != "POST":
        _refuse_removed(mine)
        return page(request, "ledger/remove_document.html", {"loan": mine.loan, "document": mine})
    recording = Recording(key="", now=request.now, by=request.user)
    removed = services.remove_document(document=mine, recording=recording)
    messages.success(request, _("%(document)s is removed.") % {"document": removed})
    return go(request, "ledger:documents", loan_id)


def _document(request: PageRequest, loan_id: int, document_id: int) -> Document:
    loan = own(request, Loan.objects.all(), pk=loan_id)
    found: Document = own(request, Document.objects.filter(loan=loan).select_related("loan__lender"), pk=document_id)
    return found


def _refuse_removed(document: Document) -> None:
    if document.removed_at is not None:
        raise Http404


def _page(request: PageRequest, loan: Loan, form: DocumentForm, status: int = 200) -> HttpResponse:
    shown = documents_page(loan)
    return page(request, "ledger/documents.html", {"loan": loan, "shown": shown, "form": form}, status=status)
