"""Documents: attaching a receipt or contract to a loan, and removing it."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from ledger.models import Document, Fact, Household, Loan, Paperwork
from ledger.models.documents import DocumentKind
from ledger.models.paperwork import Deed
from ledger.services import document_files as files
from ledger.services.recording import Recording, fingerprint, key_conflict
from ledger.services.refusal import Refusal

MOST_DOCUMENTS = 200  # a loan's
_IN_FINGERPRINT = ["loan_id", "fact_id", "kind", "name", "sha256"]


def attach_document(
    *, loan: Loan, upload: files.Upload, kind: DocumentKind, recording: Recording, fact: Fact | None = None
) -> Document | Refusal:
    """Keep a file with a loan, or with one repayment of it. What it is, is told by its first bytes.

    The file is on the disk before its row is there, so that a backup which knows of the row finds it. The same key with
    the same content returns the first; with other content, a refusal. Whatever is refused leaves no file behind.
    """
    if not upload.size:
        return Refusal("empty", _("This file is empty. Choose another one."), "file")
    try:
        kept = files.keep(loan.household_id, upload, settings.DOCUMENT_BYTES)
    except OSError as error:
        if error.errno not in files.FULL:
            raise
        return Refusal(
            "disk_full",
            _("There is no room left on this server’s disk. Nothing was kept; tell the person who runs it."),
            "file",
        )
    if kept is None:
        return too_large()
    attached: Document | Refusal | None = None
    try:
        attached = _attach(loan, kept, upload.name or "", kind, fact, recording)
    finally:
        if not isinstance(attached, Document) or attached.storage != kept.storage:
            files.forget(kept.path)
    return attached


def too_large() -> Refusal:
    """A file larger than a document may be."""
    return Refusal(
        "too_large",
        _("This file is larger than %(most)s MB. Make it smaller, or scan it in gray.")
        % {"most": _mb("DOCUMENT_BYTES")},
        "file",
    )


def _mb(name: str) -> str:
    return f"{getattr(settings, name) // settings.MEGABYTE}"


def _attach(
    loan: Loan, kept: files.Kept, name: str, kind: DocumentKind, fact: Fact | None, recording: Recording
) -> Document | Refusal:
    type_ = files.type_of(kept.first)
    if type_ is None:
        return Refusal("type", _("This is no PDF, JPEG, PNG, WebP or HEIC file. Export it as one of these."), "file")
    document = Document(
        household_id=loan.household_id,
        loan=loan,
        fact=fact,
        kind=kind,
        name=files.clean_name(name, type_),
        type=type_,
        size=kept.size,
        sha256=kept.sha256,
        storage=kept.storage,
        attached_at=recording.now,
        attached_by=recording.by,
        key=recording.key,
    )
    document.fingerprint = fingerprint(document, _IN_FINGERPRINT)
    earlier = Document.objects.filter(household_id=loan.household_id, key=recording.key)
    try:
        with transaction.atomic():
            # The room is all of its loans'. `no_key`: who holds a loan's row and adds a fact is not held up, or they
            # would wait for each other.
            Household.objects.select_for_update(no_key=True).values_list("pk").get(pk=loan.household_id)
            found = earlier.first()
            if found is None:
                refusal = _no_room(document)
                if refusal is not None:
                    return refusal
                document.save()
                _note(document, Deed.ATTACHED, recording)
                return document
    except IntegrityError:
        found = earlier.get()
    return found if found.fingerprint == document.fingerprint else key_conflict()


def _no_room(document: Document) -> Refusal | None:
    mine = Document.objects.kept().filter(household_id=document.household_id)
    if mine.filter(loan_id=document.loan_id).count() >= MOST_DOCUMENTS:
        return Refusal(
            "too_many",
            _("A loan has room for %(most)s documents. Remove one first.") % {"most": MOST_DOCUMENTS},
            "file",
        )
    held = mine.aggregate(held=Sum("size", default=0))["held"]
    if held + document.size > settings.HOUSEHOLD_DOCUMENTS_BYTES:
        return Refusal(
            "no_room",
            _("Your household’s documents would be more than %(most)s MB together. Remove some first.")
            % {"most": _mb("HOUSEHOLD_DOCUMENTS_BYTES")},
            "file",
        )
    return None


def remove_document(*, document: Document, recording: Recording) -> Document:
    """Erase a document's file; its row stays and says that it was there. Removing it twice changes nothing more."""
    with transaction.atomic():
        removed = Document.objects.kept().filter(pk=document.pk).update(removed_at=recording.now)
        if removed:
            _note(document, Deed.REMOVED, recording)
        path = files.path_of(document.household_id, document.storage)
        transaction.on_commit(lambda: files.forget(path))
    document.refresh_from_db()
    return document


def _note(document: Document, deed: Deed, recording: Recording) -> None:
    Paperwork.objects.create(
        household_id=document.household_id,
        loan_id=document.loan_id,
        deed=deed,
        document=document,
        recorded_at=recording.now,
        recorded_by=recording.by,
    )
