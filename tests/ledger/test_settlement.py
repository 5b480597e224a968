"""The settlement checklist: what fits a loan, ticking and waiving, nagging until it is done, and coming back."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.forms.presets import BY_CODE
from ledger.models import CreditLine, Loan, Paperwork, Role
from ledger.models.documents import DocumentKind
from ledger.models.paperwork import Deed, Item
from ledger.selectors.activity import activity_page
from ledger.selectors.settlement import checklist, unfinished_settlements
from ledger.services.mandates import authorize_mandate, end_mandate
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from ledger.services.settlement import mark_item
from tests import builders as make
from tests.builders import NOW, at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
PROOF, AUTO_DEBIT, LINE, COLLATERAL = Item.PROOF, Item.AUTO_DEBIT, Item.CREDIT_LINE, Item.COLLATERAL
INSURANCE, REPORT = Item.INSURANCE, Item.CREDIT_REPORT


def short_loan(home, name="Kettle", **more):
    """One bill, due on 10 February."""
    return make.loan(home, now=at("2026-01-20"), name=name, count=1, **more)


def pay_off(loan, **more):
    """Pay the one bill on its day; the repayment."""
    paid = make.repayment(loan, loan.bills.get().open.total, more.pop("on", date(2026, 2, 10)), **more)
    loan.refresh_from_db()
    return paid


def settled(home, name="Kettle", **more):
    loan = short_loan(home, name, **more)
    pay_off(loan)
    return loan


def mark(loan, item=PROOF, deed=Deed.DONE, **more):
    return mark_item(loan=loan, item=item, deed=deed, recording=make.recording(**more))


def items(loan):
    return {line.item: line.deed for line in checklist(loan).items}


def nagged(home, today=TODAY):
    return [one.loan for one in unfinished_settlements(home, today).shown]


def url(loan):
    return reverse("ledger:settlement", args=[loan.pk])


def line_of(home, lender, name="Reserve"):
    return CreditLine.objects.create(household=home, lender=lender, name=name, currency="CNY", limit=1_000_000)


# --- What fits.


def test_a_plain_loan_needs_its_proof_alone(home):
    assert items(settled(home)) == {PROOF: Deed.OPEN}


def test_a_mandate_of_its_own_fits_even_once_it_has_ended(home, card):
    loan = short_loan(home)
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-01-20")))
    pay_off(loan)
    assert items(loan) == {PROOF: Deed.OPEN, AUTO_DEBIT: Deed.OPEN}
    end_mandate(scope=loan, recording=make.recording())
    assert items(loan) == {PROOF: Deed.OPEN, AUTO_DEBIT: Deed.OPEN}


def test_a_lenders_mandate_is_not_to_be_ended_while_another_loan_needs_it(home, card):
    loan, other = short_loan(home), short_loan(home, "Lamp")
    authorize_mandate(scope=loan.lender, sources=[card], recording=make.recording(at("2026-01-20")))
    pay_off(loan)
    assert items(loan) == {PROOF: Deed.OPEN}
    pay_off(other)
    assert items(loan) == {PROOF: Deed.OPEN, AUTO_DEBIT: Deed.OPEN}


def test_a_line_is_closed_once_its_last_draw_is_paid_off(home):
    loan, other = short_loan(home), short_loan(home, "Lamp")
    line = line_of(home, loan.lender)
    Loan.objects.filter(pk__in=[loan.pk, other.pk]).update(credit_line=line)
    pay_off(loan)
    assert items(loan) == {PROOF: Deed.OPEN}
    pay_off(other)
    assert items(loan) == {PROOF: Deed.OPEN, LINE: Deed.OPEN, REPORT: Deed.OPEN}


def test_another_households_line_changes_nothing(home):
    settled_loan = settled(home)
    theirs = make.household()
    make.loan(theirs)
    assert items(settled_loan) == {PROOF: Deed.OPEN}


def test_what_was_pledged_is_released(home, client):
    assert {code for code, preset in BY_CODE.items() if preset.is_secured} == {"car", "mortgage", "fund"}
    said = {"key": "key-of-the-car", "lender": "Bank", "name": "Car", "amount": "12000", "currency": "CNY"}
    said |= {"disbursed_on": "2026-01-15", "first_due_on": "2026-02-10", "count": "1", "rate": "5", "rate_per": "year"}
    answer = client.post("/loans/new/?kind=car", said | {"method": "level"})
    assert answer.status_code == 302
    loan = Loan.objects.get(name="Car")
    pay_off(loan)
    assert items(loan) == {PROOF: Deed.OPEN, INSURANCE: Deed.OPEN, COLLATERAL: Deed.OPEN, REPORT: Deed.OPEN}


def test_a_late_loan_is_looked_up_in_the_credit_report(home):
    loan = short_loan(home)
    pay_off(loan, on=date(2026, 2, 11))
    assert items(loan) == {PROOF: Deed.OPEN, REPORT: Deed.OPEN}


def test_the_credit_report_is_listed_at_once_and_asked_about_a_month_later(home, client):
    loan = short_loan(home)
    pay_off(loan, on=date(2026, 2, 11))
    mark(loan, PROOF)
    assert "In a month or two, check that your credit report" in client.get(url(loan)).content.decode()
    assert [nagged(home, date(2026, 3, day)) for day in (12, 13)] == [[], ["Kettle"]]


def test_what_is_of_use_for_a_while_is_not_asked_about_years_later(home):
    """180 days after 11 February is 10 August; whoever puts it on the list is asked for as long as it takes."""
    loan = short_loan(home)
    pay_off(loan, on=date(2026, 2, 11))
    mark(loan, PROOF)
    assert [nagged(home, date(2026, 8, day)) for day in (10, 11)] == [["Kettle"], []]
    assert items(loan) == {PROOF: Deed.DONE, REPORT: Deed.OPEN}
    mark(loan, REPORT, Deed.DONE)
    mark(loan, REPORT, Deed.OPEN)
    assert nagged(home, date(2027, 8, 11)) == ["Kettle"]


def test_every_item_says_what_to_do_in_one_sentence():
    assert [item.how.endswith(".") for item in Item] == [True] * len(Item)


# --- Marking.


def test_items_are_ticked_waived_and_taken_back_and_every_step_stays(home, owner):
    loan = settled(home)
    for deed in (Deed.DONE, Deed.OPEN, Deed.WAIVED):
        mark(loan, deed=deed, by=owner)
    (line,) = checklist(loan).items
    assert (line.deed, line.at, line.by) == (Deed.WAIVED, NOW, owner.email)
    assert [row.deed for row in Paperwork.objects.order_by("pk")] == ["done", "open", "waived"]


def test_saying_the_same_again_adds_nothing(home):
    loan = settled(home)
    first, again = mark(loan), mark(loan)
    assert (first.pk, Paperwork.objects.count()) == (again.pk, 1)


def test_a_loan_that_is_not_paid_off_has_no_checklist(home, loan):
    refused = mark(loan)
    assert isinstance(refused, Refusal)
    assert (refused.code, checklist(loan), Paperwork.objects.count()) == ("not_settled", None, 0)


def test_a_document_is_no_mark_of_an_item(home):
    with pytest.raises(ValueError, match="no deed of an item"):
        mark(settled(home), deed=Deed.ATTACHED)


@pytest.mark.parametrize(
    "wrong", [{"deed": "done", "item": ""}, {"deed": "lost", "item": "proof"}, {"deed": "attached", "item": "proof"}]
)
def test_the_database_refuses_what_is_no_deed(home, wrong):
    loan = settled(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        Paperwork.objects.create(household=home, loan=loan, recorded_at=NOW, **wrong)


def test_an_item_that_did_not_seem_to_fit_can_be_added(home):
    loan = settled(home)
    assert checklist(loan).may_add == (AUTO_DEBIT, LINE, INSURANCE, COLLATERAL, REPORT)
    mark(loan, COLLATERAL, Deed.OPEN)
    assert items(loan) == {PROOF: Deed.OPEN, COLLATERAL: Deed.OPEN}


# --- Nagging.


def test_it_is_asked_about_until_all_is_ticked_or_waived(home, client):
    make.loan(home)
    loan = settled(home)
    mark(loan, COLLATERAL, Deed.OPEN)
    assert "Kettle is paid off: a few things are left" in client.get("/").content.decode()
    mark(loan, PROOF, Deed.DONE)
    assert nagged(home) == ["Kettle"]
    mark(loan, COLLATERAL, Deed.WAIVED)
    assert nagged(home) == []
    assert "Kettle is paid off" not in client.get("/").content.decode()


def test_a_reopened_loan_is_not_asked_about_and_keeps_its_ticks(home, client):
    make.loan(home)
    loan = short_loan(home)
    paid = pay_off(loan)
    mark(loan)
    mark(loan, COLLATERAL, Deed.OPEN)
    undone = reverse_fact(fact=paid, recording=make.recording())
    assert (nagged(home), checklist(loan)) == ([], None)
    assert "what you have ticked before is kept" in client.get(url(loan)).content.decode()
    reverse_fact(fact=undone.fact, recording=make.recording())
    assert items(loan) == {PROOF: Deed.DONE, COLLATERAL: Deed.OPEN}
    assert nagged(home) == ["Kettle"]


def test_a_last_debit_that_is_only_presumed_is_waited_for(home):
    loan = short_loan(home)
    pay_off(loan, presumed=True)
    assert (nagged(home), checklist(loan).is_presumed) == ([], True)


def test_loans_put_away_are_left_alone(home):
    loan = settled(home)
    make.loan(home)
    Loan.objects.filter(pk=loan.pk).update(archived_at=NOW)
    assert nagged(home) == []


def test_three_are_shown_and_the_others_counted(home, client):
    make.loan(home)
    for number in range(5):
        settled(home, f"Kettle {number}")
    found = unfinished_settlements(home, TODAY)
    assert (len(found.shown), found.more) == (3, 2)
    assert "and 2 more paid-off loans" in client.get("/").content.decode()


def test_while_nothing_is_paid_off_it_asks_the_database_nothing(home, loan, client):
    with CaptureQueriesContext(connection) as asked:
        client.get("/")
    assert [query for query in asked.captured_queries if "ledger_paperwork" in query["sql"]] == []


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_two_queries_with_1_loan_and_with_30(home, count, django_assert_num_queries):
    for number in range(count):
        mark(settled(home, f"Kettle {number}"), COLLATERAL, Deed.OPEN)
    with django_assert_num_queries(2):
        assert len(unfinished_settlements(home, TODAY).shown) == min(count, 3)


# --- Its page.


def test_the_page_ticks_waives_and_says_who(home, client, owner):
    loan = settled(home)
    assert "To do" in client.get(url(loan)).content.decode()
    assert client.post(url(loan), {"item": "proof", "deed": "done"})["Location"] == url(loan)
    content = client.get(url(loan)).content.decode()
    assert "Recorded by you, 1 Mar 12:00." in content
    assert "Everything is seen to." in content
    assert [event.paperwork.item for event in activity_page(home, {"kind": "paperwork"}).events] == [
        "Proof of settlement received"
    ]
    assert "Proof of settlement received: done" in client.get("/activity/").content.decode()


def test_a_proof_among_the_documents_is_noticed(home, client, settings, tmp_path):
    settings.VAR = tmp_path
    loan = settled(home)
    assert "Attach it" in client.get(url(loan)).content.decode()
    make.document(loan, kind=DocumentKind.PROOF)
    assert checklist(loan).has_proof
    assert "There is one" in client.get(url(loan)).content.decode()


@pytest.mark.parametrize(
    "said", [{}, {"item": "proof"}, {"item": "roof", "deed": "done"}, {"item": "proof", "deed": "attached"}]
)
def test_what_is_no_item_or_deed_is_not_there(home, client, said):
    loan = settled(home)
    assert client.post(url(loan), said).status_code == 404
    assert Paperwork.objects.count() == 0


def test_on_a_loan_that_has_reopened_meanwhile_nothing_is_ticked(home, loan, client):
    answer = client.post(url(loan), {"item": "proof", "deed": "done"}, follow=True)
    assert "There is something left to pay." in answer.content.decode()
    assert Paperwork.objects.count() == 0


def test_a_viewer_sees_and_a_stranger_does_not(home):
    loan = settled(home)
    viewer = signed_in(make.member(home, Role.VIEWER))
    content = viewer.get(url(loan)).content.decode()
    assert ("Proof of settlement received" in content, 'name="deed"' in content) == (True, False)
    assert viewer.post(url(loan), {"item": "proof", "deed": "done"}).status_code == 403
    stranger = make.user()
    make.household(stranger)
    assert signed_in(stranger).get(url(loan)).status_code == 404


def test_a_paid_off_loan_leads_to_its_checklist(home, loan, client):
    done = settled(home)
    assert url(done) in client.get(reverse("ledger:loan", args=[done.pk])).content.decode()
    assert url(loan) not in client.get(reverse("ledger:loan", args=[loan.pk])).content.decode()
