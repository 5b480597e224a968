"""Documents: told by their content, bounded, kept apart, handed only to members, gone when removed."""

import os
from datetime import date
from io import BytesIO
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from ledger.models import Document, Household, Paperwork, Role
from ledger.models.documents import DocumentKind, DocumentType
from ledger.selectors.activity import PaperworkLine, activity_page
from ledger.selectors.documents import DocumentLine, documents_page, repayments_to_choose, with_papers
from ledger.selectors.loan import loan_history
from ledger.services import document_files as files
from ledger.services import documents as services
from ledger.services.documents import attach_document, remove_document
from ledger.services.erasing import erase_household
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import NOW, PDF, PNG, Sheet, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 30
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\0" * 30
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
KEY = "one-key-for-this"


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


def attach(loan, content=PDF, name="receipt.pdf", key=None, kind=DocumentKind.RECEIPT, **more):
    recording = make.recording(**({"key": key} if key else {}))
    return attach_document(loan=loan, upload=ContentFile(content, name), kind=kind, recording=recording, **more)


def lying(var: Path) -> list[Path]:
    """Every file there is."""
    return sorted(path for path in (var / "documents").rglob("*") if path.is_file())


def send(client, loan, **said):
    data = {"key": make.unique() + "-form", "kind": "receipt", "fact": "", "file": Sheet()} | said
    return client.post(page(loan), data)


def page(loan):
    return reverse("ledger:documents", args=[loan.pk])


def file_of(document):
    return reverse("ledger:document", args=[document.loan_id, document.pk])


# --- What a file is, and what it is called.


@pytest.mark.parametrize(
    "content, type_",
    [(PDF, "PDF"), (JPEG, "JPEG"), (PNG, "PNG"), (WEBP, "WEBP"), (HEIC, "HEIC")],
)
def test_a_file_is_what_its_first_bytes_say(loan, content, type_):
    assert attach(loan, content, "anything.exe").type == DocumentType[type_]


@pytest.mark.parametrize(
    "content",
    [
        SVG,
        b"<!doctype html><script>alert(1)</script>",
        b"\n%PDF-1.7",
        b"GIF89a" + b"\0" * 20,
        b"MZ" + b"\0" * 20,
        b"PK\x03\x04" + b"\0" * 20,
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00",
        b"\xff\xd8",
        b"x",
    ],
)
def test_any_other_content_is_refused_whatever_its_name_says(loan, var, content):
    refused = attach(loan, content, "photo.jpg")
    assert (refused.code, refused.field, lying(var), Document.objects.count()) == ("type", "file", [], 0)


@pytest.mark.parametrize(
    "said, name",
    [
        ("receipt.pdf", "receipt.pdf"),
        ("Receipt.PDF", "Receipt.PDF"),
        ("还款凭证 2026年3月.pdf", "还款凭证 2026年3月.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\me\\receipt.pdf", "receipt.pdf"),
        ("evil.html", "evil.html.pdf"),
        ("photo.jpg", "photo.jpg.pdf"),
        ("a\u202efdp.exe", "a fdp.exe.pdf"),
        ("a\0b\r\nc.pdf", "a b c.pdf"),
        ("...hidden.pdf", "hidden.pdf"),
        (".pdf", "pdf.pdf"),
        ("", "document.pdf"),
        ("   ", "document.pdf"),
        ("x" * 500 + ".pdf", "x" * 96 + ".pdf"),
        ("e\u0301te.pdf", "\u00e9te.pdf"),
    ],
)
def test_a_name_is_cleaned_and_ends_in_what_it_is(said, name):
    assert files.clean_name(said, DocumentType.PDF) == name


# --- The service.


def test_a_document_lies_under_a_random_name_that_only_its_owner_reads(home, loan, var):
    document = attach(loan)
    (path,) = lying(var)
    assert path == var / "documents" / str(home.pk) / document.storage
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (PDF, 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (len(document.storage), document.name, document.size) == (32, "receipt.pdf", len(PDF))


def test_attaching_the_same_twice_attaches_it_once(loan, var):
    first, again = attach(loan, key=KEY), attach(loan, key=KEY)
    assert (first.pk, Document.objects.count(), len(lying(var))) == (again.pk, 1, 1)
    refused = attach(loan, PNG, key=KEY)
    assert (refused.code, Document.objects.count(), len(lying(var))) == ("key_conflict", 1, 1)
    assert Paperwork.objects.count() == 1


def test_an_empty_file_is_refused(loan, var):
    assert (attach(loan, b"").code, lying(var)) == ("empty", [])


def test_a_file_is_bounded_by_what_comes_not_by_what_is_said(loan, var, settings):
    settings.DOCUMENT_BYTES = len(PDF)
    assert isinstance(attach(loan), Document)
    upload = ContentFile(PDF + b"x", "receipt.pdf")
    upload.size = 5
    refused = attach_document(loan=loan, upload=upload, kind=DocumentKind.RECEIPT, recording=make.recording())
    assert (refused.code, len(lying(var))) == ("too_large", 1)


def test_all_of_a_household_together_are_bounded(home, loan, var, settings):
    settings.HOUSEHOLD_DOCUMENTS_BYTES = 2 * len(PDF)
    other = make.loan(home, name="Chair")
    first = attach(loan)
    assert isinstance(attach(other), Document)
    assert (attach(other).code, len(lying(var))) == ("no_room", 2)
    assert isinstance(attach(make.loan()), Document)  # another household's room is its own
    remove_document(document=first, recording=make.recording())
    assert isinstance(attach(other), Document)


def test_a_loan_takes_so_many_and_no_more(loan, monkeypatch):
    monkeypatch.setattr(services, "MOST_DOCUMENTS", 1)
    attach(loan)
    assert attach(loan).code == "too_many"


def test_a_full_disk_is_said_and_leaves_nothing(loan, var, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert (attach(loan).code, lying(var)) == ("disk_full", [])


def test_any_other_fault_leaves_nothing_either(loan, var, monkeypatch):
    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        attach(loan)
    monkeypatch.undo()
    monkeypatch.setattr(services, "_note", broken)
    with pytest.raises(OSError, match="Input/output"):
        attach(loan)
    assert (lying(var), Document.objects.count()) == ([], 0)


@pytest.mark.parametrize("wrong", [{"kind": "diary"}, {"type": "text/html"}, {"size": 0}])
def test_the_database_refuses_what_is_no_document(loan, wrong):
    document = attach(loan)
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**wrong)


def test_removing_erases_the_file_and_keeps_the_row(loan, owner, var, django_capture_on_commit_callbacks):
    document = attach(loan)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            removed = remove_document(document=document, recording=make.recording(by=owner))
    assert (removed.removed_at, lying(var), documents_page(loan).lines) == (NOW, [], ())
    assert [row.deed for row in Paperwork.objects.order_by("pk")] == ["attached", "removed"]


def test_erasing_a_household_erases_its_files_and_no_others(home, loan, var, django_capture_on_commit_callbacks):
    attach(loan)
    (files.folder_of(home.pk) / "left-by-a-crash").write_bytes(b"x")
    theirs = attach(make.loan())
    with django_capture_on_commit_callbacks(execute=True):
        erase_household(household=home)
    assert [path.name for path in lying(var)] == [theirs.storage]
    assert list(Household.objects.values_list("pk", flat=True)) == [theirs.household_id]


# --- Its pages.


def test_a_receipt_is_attached_to_a_repayment_and_listed(home, loan, client, owner):
    paid = make.repayment(loan, 50_000, NOW.date())
    answer = send(client, loan, fact=paid.pk, file=Sheet(PNG, "Receipt.png"))
    assert (answer.status_code, answer["Location"]) == (302, page(loan))
    document = Document.objects.get()
    assert documents_page(loan).lines == (
        DocumentLine(
            id=document.pk,
            name="Receipt.png",
            kind="Receipt",
            type="PNG",
            size=len(PNG),
            is_shown=True,
            attached_at=NOW,
            by=owner.email,
            paid_on=NOW.date(),
            amount=50_000,
        ),
    )
    content = client.get(page(loan)).content.decode()
    assert "About the repayment of ¥500.00 on 1 Mar." in content
    assert f'href="{file_of(document)}"' in content
    assert "1 kept here" in client.get(reverse("ledger:loan", args=[loan.pk])).content.decode()


def test_the_form_begins_with_what_the_address_asks_for(loan, client):
    paid = make.repayment(loan, 50_000, NOW.date())
    form = client.get(f"{page(loan)}?repayment={paid.pk}&kind=proof").context["form"]
    assert (str(form["fact"].value()), form["kind"].value()) == (str(paid.pk), "proof")
    form = client.get(f"{page(loan)}?repayment=x&kind=x").context["form"]
    assert (form["fact"].value(), form["kind"].value()) == (None, "receipt")


def test_a_repayment_older_than_those_offered_is_offered_where_the_address_asks_for_it(loan, client, monkeypatch):
    monkeypatch.setattr("ledger.forms.documents.MOST_REPAYMENTS", 1)
    old = make.repayment(loan, 50_000, date(2026, 2, 1))
    new = make.repayment(loan, 60_000, NOW.date())
    elsewhere = make.repayment(make.loan(), 50_000, NOW.date())
    for asked, offered in ((new, [new]), (old, [new, old]), (elsewhere, [new])):
        form = client.get(f"{page(loan)}?repayment={asked.pk}").context["form"]
        assert [value for value, _ in form.fields["fact"].choices] == ["", *(one.pk for one in offered)]


@pytest.mark.parametrize("asked", ["9" * 18, "9" * 30, "-1", "²", "x"])
def test_an_address_that_asks_for_no_repayment_offers_what_there_is(loan, client, asked):
    paid = make.repayment(loan, 50_000, NOW.date())
    form = client.get(f"{page(loan)}?repayment={asked}").context["form"]
    assert [value for value, _ in form.fields["fact"].choices] == ["", paid.pk]


def test_a_repayment_that_was_brought_back_can_have_its_receipt(loan, client):
    paid = make.repayment(loan, 50_000, NOW.date())
    undone = reverse_fact(fact=paid, recording=make.recording())
    assert list(repayments_to_choose(loan)) == []
    reverse_fact(fact=undone.fact, recording=make.recording())
    assert list(repayments_to_choose(loan)) == [paid]


@pytest.mark.parametrize(
    "said, field, words",
    [
        ({"file": ""}, "file", "Choose a file."),
        ({"file": Sheet(b"")}, "file", "This file is empty."),
        ({"file": Sheet(SVG, "photo.png")}, "file", "This is no PDF, JPEG, PNG, WebP or HEIC file."),
        ({"kind": "diary"}, "kind", "Choose one from the list."),
        ({"fact": "999999"}, "fact", "Choose one of this loan’s repayments."),
        ({"fact": "\0"}, "fact", "Choose one of this loan’s repayments."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(loan, client, var, said, field, words):
    answer = send(client, loan, **({"kind": "contract"} | said))
    form = answer.context["form"]
    assert (answer.status_code, list(form.errors), lying(var)) == (422, [field], [])
    assert words in answer.content.decode()
    assert form["kind"].value() == said.get("kind", "contract")


def attach_link(paid):
    return f'<a href="{page(paid.loan)}?repayment={paid.pk}#attach">Attach receipt</a>'


def receipt_link(document):
    return f'<a href="{file_of(document)}"{"" if document.is_shown else " download"}>Receipt</a>'


def both_histories(loan, client):
    return [client.get(url).content.decode() for url in (reverse("ledger:loan", args=[loan.pk]), "/activity/")]


def test_from_a_repayment_one_comes_to_its_receipt_or_to_attaching_one(loan, client):
    with_photo, with_pdf, without = (make.repayment(loan, 50_000, date(2026, 2, day)) for day in (1, 2, 3))
    photo, pdf = attach(loan, PNG, fact=with_photo), attach(loan, PDF, fact=with_pdf)
    for content in both_histories(loan, client):
        assert receipt_link(photo) in content
        assert receipt_link(pdf) in content
        assert [attach_link(paid) in content for paid in (with_photo, with_pdf, without)] == [False, False, True]
    remove_document(document=photo, recording=make.recording())
    for content in both_histories(loan, client):
        assert [receipt_link(photo) in content, attach_link(with_photo) in content] == [False, True]


def test_another_paper_about_a_repayment_is_no_receipt(loan, client):
    paid = make.repayment(loan, 50_000, NOW.date())
    statement = attach(loan, PNG, kind=DocumentKind.STATEMENT, fact=paid)
    for content in both_histories(loan, client):
        assert f'<a href="{file_of(statement)}">Statement</a> · {attach_link(paid)}' in content


def test_no_receipt_is_asked_for_of_what_was_undone_nor_of_those_who_only_look(home, loan, client):
    paid, undone = (make.repayment(loan, 50_000, date(2026, 2, day)) for day in (1, 2))
    receipt = attach(loan, PNG, fact=undone)
    reverse_fact(fact=undone, recording=make.recording())
    for content in both_histories(loan, client):
        assert [receipt_link(receipt) in content, attach_link(undone) in content] == [True, False]
    for content in both_histories(loan, signed_in(make.member(home, Role.VIEWER))):
        assert [receipt_link(receipt) in content, attach_link(paid) in content] == [True, False]


@pytest.mark.parametrize("count", [1, 30])
def test_the_ways_to_receipts_cost_one_query_with_1_repayment_and_with_30(loan, count, django_assert_num_queries):
    for number in range(count):
        attach(loan, fact=make.repayment(loan, 1_000 + number, NOW.date()))
    lines = loan_history(loan)
    with django_assert_num_queries(1):
        assert [len(line.papers) for line in with_papers(lines)] == [1] * count


def test_a_repayment_of_another_loan_or_an_undone_one_is_no_choice(home, loan, client):
    elsewhere = make.repayment(make.loan(home, name="Chair"), 50_000, NOW.date())
    theirs = make.repayment(make.loan(), 50_000, NOW.date())
    undone = make.repayment(loan, 50_000, NOW.date())
    reverse_fact(fact=undone, recording=make.recording())
    for fact in (elsewhere, theirs, undone):
        answer = send(client, loan, fact=fact.pk)
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["fact"])
    assert Document.objects.count() == 0


def test_a_file_too_large_is_dropped_while_it_comes_in(loan, client, var, settings):
    settings.DOCUMENT_BYTES = 1_000
    answer = send(client, loan, kind="contract", file=Sheet(PDF + b"x" * 5_000))
    assert (answer.status_code, list(answer.context["form"].errors), lying(var)) == (422, ["file"], [])
    assert "This file is larger than" in answer.content.decode()
    assert answer.context["form"]["kind"].value() == "contract"


def test_one_far_too_large_is_not_even_read(loan, client, var, settings):
    settings.DOCUMENT_BYTES = 1_000
    answer = send(client, loan, file=Sheet(PDF + b"x" * 20_000))
    assert (answer.status_code, list(answer.context["form"].errors), lying(var)) == (422, ["file"], [])


def test_many_files_in_one_request_count_together(client, settings, var):
    """Whatever page they are sent to, signed in or not."""
    settings.DOCUMENT_BYTES = 10_000
    many = {f"file{n}": BytesIO(b"x" * 4_000) for n in range(5)}
    answer = Client().post("/account/login/", many | {"login": "a@example.com"})
    assert (answer.status_code, answer.wsgi_request.has_dropped_file, len(answer.wsgi_request.FILES)) == (200, True, 2)


def test_an_image_is_shown_in_place_and_nothing_in_it_runs(loan, client):
    document = attach(loan, PNG, "receipt.png")
    answer = client.get(file_of(document))
    assert b"".join(answer.streaming_content) == PNG
    assert {name: answer.headers.get(name) for name in SERVED} == SERVED | {
        "Content-Type": "image/png",
        "Content-Disposition": 'inline; filename="receipt.png"',
    }


SERVED = {
    "Content-Type": "",
    "Content-Disposition": "",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize("content, type_", [(PDF, "application/pdf"), (HEIC, "image/heic")])
def test_what_is_no_image_browsers_show_is_handed_over_as_a_file(loan, client, content, type_):
    document = attach(loan, content, '还款"\r\n.html')
    answer = client.get(file_of(document))
    assert b"".join(answer.streaming_content) == content
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == (type_, "nosniff")
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''%E8%BF%98%E6%AC%BE%22%20.html.")


def test_html_with_the_first_bytes_of_an_image_stays_an_image(loan, client):
    document = attach(loan, PNG + b"<script>alert(1)</script>", "page.html")
    answer = client.get(file_of(document))
    assert (answer["Content-Type"], document.name) == ("image/png", "page.html.png")


def test_members_see_it_and_nobody_else(home, loan, visitor):
    document = attach(loan)
    stranger = make.user()
    make.household(stranger)
    viewer = signed_in(make.member(home, Role.VIEWER))
    assert viewer.get(file_of(document)).status_code == 200
    assert 'enctype="multipart/form-data"' not in viewer.get(page(loan)).content.decode()
    assert signed_in(stranger).get(file_of(document)).status_code == 404
    assert visitor.get(file_of(document)).status_code == 302
    other = make.loan(home, name="Chair")
    assert viewer.get(reverse("ledger:document", args=[other.pk, document.pk])).status_code == 404


def test_it_is_no_static_file(loan, client, var):
    document = attach(loan)
    for url in (f"/static/{document.storage}", f"/documents/{document.storage}", f"/media/{document.storage}"):
        assert client.get(url).status_code == 404


def test_removing_is_asked_once_more_and_then_done(loan, client, var, django_capture_on_commit_callbacks):
    document = attach(loan)
    url = reverse("ledger:remove_document", args=[loan.pk, document.pk])
    assert "Remove this document?" in client.get(url).content.decode()
    assert len(lying(var)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(url)["Location"] == page(loan)
    assert lying(var) == []
    assert [client.get(one).status_code for one in (url, file_of(document))] == [404, 404]


def test_a_file_that_is_missing_is_a_page_that_is_missing(loan, client, var):
    document = attach(loan)
    lying(var)[0].unlink()
    assert client.get(file_of(document)).status_code == 404


def test_coming_and_going_are_shown_in_the_activity(home, loan, client, owner):
    document = attach(loan)
    remove_document(document=document, recording=make.recording(by=owner))
    said = [event.paperwork for event in activity_page(home, {"kind": "paperwork"}).events]
    line = {"loan_id": loan.pk, "loan": "Laptop", "lender": "Bank of Tests", "item": "", "document": "receipt.pdf"}
    assert said == [
        PaperworkLine(**line, by=owner.email, deed="removed"),
        PaperworkLine(**line, by="", deed="attached"),
    ]
    content = client.get("/activity/").content.decode()
    assert "“receipt.pdf” attached" in content
    assert "“receipt.pdf” removed" in content


def test_script_in_a_name_is_text(loan, client):
    attach(loan, PDF, "<script>alert('x').pdf")
    for url in (page(loan), "/activity/"):
        assert b"<script>alert" not in client.get(url).content


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_with_1_and_with_3(loan, client, count, django_assert_num_queries):
    for number in range(count):
        attach(loan, fact=make.repayment(loan, 1_000 + number, NOW.date()))
    with django_assert_num_queries(9):
        assert client.get(page(loan)).status_code == 200


def test_a_refusal_is_a_value(loan):
    assert isinstance(attach(loan, b"x"), Refusal)


@pytest.mark.django_db(transaction=True)
def test_attaching_and_removing_beside_repayments_holds_nobody_up(home, loan, owner):
    """Who records money holds the loan's row and refers to the household's; who attaches holds the household's and
    refers to the loan's."""
    go = Barrier(12)
    kept = [attach(loan) for _ in range(4)]
    done = []

    def run(work):
        go.wait()
        try:
            done.append(work())
        finally:
            connection.close()

    works = [
        *[lambda: attach(loan)] * 4,
        *[lambda one=one: remove_document(document=one, recording=make.recording()) for one in kept],
        *[lambda: make.repayment(loan, 1_000, NOW.date())] * 4,
    ]
    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 12
    assert (Document.objects.kept().count(), Paperwork.objects.count(), loan.facts.count()) == (4, 12, 4)
