"""Backups carry documents: rows and files together, there and back, and a removed one is not brought back to life."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger import clock
from ledger.models import Document, Household, Loan, User
from ledger.services.documents import remove_document
from ledger.services.erasing import erase_household
from loantracker.backup.making import make_backup
from loantracker.backup.restoring import restore_backup
from tests import builders as make
from tests.builders import PDF, PNG, at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]

BACKUP_AT = at("2026-03-06")


@pytest.fixture
def var(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own; it is the moment of the backup."""
    folder = tmp_path / "var"
    folder.mkdir()
    settings.VAR = folder
    monkeypatch.setattr(clock, "now", lambda: BACKUP_AT)
    return folder


def lying(var: Path) -> dict[str, bytes]:
    """What every document's file holds, by its name."""
    return {path.name: path.read_bytes() for path in (var / "documents").rglob("*") if path.is_file()}


def handed_out(document: Document) -> tuple[int, bytes]:
    """What the owner's browser gets."""
    client = Client()
    client.force_login(User.objects.get())
    answer = client.get(reverse("ledger:document", args=[document.loan_id, document.pk]))
    content = b"".join(answer.streaming_content) if answer.streaming else b""
    return answer.status_code, content


def test_documents_come_back_with_their_rows(var: Path, tmp_path: Path) -> None:
    loan = make.loan()
    kept, removed_later = make.document(loan, PNG), make.document(loan, PDF, name="receipt.pdf")
    then = lying(var)
    file = make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path

    remove_document(document=removed_later, recording=make.recording(BACKUP_AT))
    later = make.document(loan, PNG + b"later")
    assert lying(var).keys() == {kept.storage, later.storage}
    restore_backup(file)

    assert lying(var) == then == {kept.storage: PNG, removed_later.storage: PDF}
    assert set(Document.objects.kept()) == {kept, removed_later}
    assert [handed_out(one) for one in (kept, removed_later, later)] == [(200, PNG), (200, PDF), (404, b"")]
    path = next((var / "documents").rglob(kept.storage))
    assert [path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077] == [0, 0]


def test_what_is_attached_after_a_restore_is_kept(var: Path, tmp_path: Path) -> None:
    loan = make.loan()
    file = make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path
    restore_backup(file)
    document = make.document(Loan.objects.get(pk=loan.pk))
    assert (lying(var), handed_out(document)) == ({document.storage: PNG}, (200, PNG))


def test_an_erased_household_comes_back_whole(var: Path, tmp_path: Path) -> None:
    home = make.household()
    document = make.document(make.loan(home))
    file = make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path
    erase_household(household=home)
    assert (lying(var), Household.objects.count()) == ({}, 0)
    restore_backup(file)
    assert handed_out(document) == (200, PNG)


def test_a_backup_made_while_a_document_goes_still_restores(var: Path, tmp_path: Path) -> None:
    """Its row is in the backup and its file is not: the page says that it is missing, and nothing breaks."""
    document = make.document(make.loan())
    next((var / "documents").rglob(document.storage)).unlink()
    file = make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path
    restore_backup(file)
    assert handed_out(document) == (404, b"")
