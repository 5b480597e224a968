"""What an account is called, its place among the others, and putting it away."""

from datetime import date

import pytest

from ledger.models import FundingAccount, Role
from ledger.services.accounts import add_account, archive_account, edit_account, move_account, use_account_again
from ledger.services.mandates import authorize_mandate, end_mandate
from ledger.services.refusal import Refusal
from tests import builders as make
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

HTMX = {"HX-Request": "true"}
WHOLE = "6217 0012 3456 7890 123"


def names(home):
    return [account.name for account in FundingAccount.objects.in_use().filter(household=home)]


def said(account):
    account.refresh_from_db()
    return account.name, account.institution, account.last4


def form(**more):
    return {"key": "a" * 32, "name": "Joint card", "institution": "River Bank", "last4": "5678"} | more


def text(response):
    return " ".join(response.content.decode().split())


# --- Services.


def test_an_account_is_called_something_else_and_the_same_again_changes_nothing(card):
    for _ in range(2):
        edited = edit_account(account=card, name="Joint card", institution="River Bank", last4="5678")
        assert (edited, said(card)) == (card, ("Joint card", "River Bank", "5678"))


def test_a_name_that_another_account_has_is_refused(home, card):
    make.account(home, name="Wallet", last4="")
    refused = edit_account(account=card, name="Wallet")
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field, said(card)) == ("account_exists", "name", ("Salary card", "", "1234"))
    assert edit_account(account=card, name="Wallet", last4="1234") == card


@pytest.mark.parametrize(
    "typed, field",
    [
        ({"last4": "12"}, "last4"),
        ({"last4": "12345"}, "last4"),
        ({"last4": "6217001234567890"}, "last4"),
        ({"last4": "abcd"}, "last4"),
        ({"name": f"Card {WHOLE}"}, "name"),
        ({"name": "６２１７００１２３４５６７８９０"}, "name"),
        ({"institution": "6217-0012-3456-7890"}, "institution"),
    ],
)
def test_no_more_than_four_digits_are_ever_kept(home, card, typed, field):
    given = {"name": "Card", "institution": "", "last4": ""} | typed
    for refused in (edit_account(account=card, **given), add_account(household=home, currency="CNY", **given)):
        assert isinstance(refused, Refusal)
        assert refused.field == field
    assert [said(account) for account in FundingAccount.objects.all()] == [("Salary card", "", "1234")]


def test_a_year_or_a_branch_number_in_a_name_is_no_card_number(card):
    assert edit_account(account=card, name="Card of 2026, branch 10032") == card


def test_new_accounts_come_last_and_move_where_they_are_wanted(home):
    first, second, third = (add_account(household=home, name=name, currency="CNY") for name in ("C", "B", "A"))
    assert names(home) == ["C", "B", "A"]
    for _ in range(2):
        move_account(account=third, place=0)
        assert names(home) == ["A", "C", "B"]
    move_account(account=third, place=99)
    assert names(home) == ["C", "B", "A"]
    assert [one.priority for one in FundingAccount.objects.in_use()] == [0, 1, 2]
    assert (first.pk, second.pk) == tuple(FundingAccount.objects.in_use().values_list("pk", flat=True)[:2])


def test_accounts_that_have_no_place_yet_are_in_the_order_of_their_names(home):
    for name in ("B", "A", "C"):
        make.account(home, name=name)
    move_account(account=FundingAccount.objects.get(name="C"), place=1)
    assert names(home) == ["A", "C", "B"]


def test_an_account_that_a_lender_debits_is_not_put_away(home, card, loan):
    authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    refused = archive_account(account=card, recording=make.recording())
    assert isinstance(refused, Refusal)
    assert "Auto-repay of Laptop debits this account." in str(refused)

    end_mandate(scope=loan, recording=make.recording())
    for now in (make.NOW, make.at("2026-03-09")):
        assert archive_account(account=card, recording=make.recording(now)).archived_at == make.NOW
    assert names(home) == []
    assert move_account(account=card, place=0).priority == 0
    use_account_again(account=card)
    assert names(home) == ["Salary card"]


def test_an_account_that_was_put_away_is_not_added_again(home, card):
    archive_account(account=card, recording=make.recording())
    refused = add_account(household=home, name="Salary card", last4="1234", currency="CNY")
    assert (refused.code, refused.field) == ("account_exists", "name")
    assert "put away" in str(refused)


# --- Pages.


def test_the_page_renames_it(client, card):
    path = f"/accounts/{card.pk}/edit/"
    assert 'value="Salary card"' in text(client.get(path))
    response = client.post(path, form())
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    assert said(card) == ("Joint card", "River Bank", "5678")
    html = text(client.get("/accounts/"))
    assert "Joint card ••5678</h2>" in html
    assert '<p class="note">River Bank</p>' in html


def test_without_a_name_it_is_called_by_its_bank(client, home, card):
    client.post(f"/accounts/{card.pk}/edit/", form(name="", institution="招商银行", last4="１２３４"), headers=HTMX)
    assert said(card) == ("招商银行", "招商银行", "1234")
    assert str(card) == "招商银行 ••1234"
    client.post("/accounts/new/", form(name="", institution="工商银行", kind="card", currency="CNY"))
    assert names(home) == ["招商银行", "工商银行"]


@pytest.mark.parametrize(
    "typed, field",
    [
        ({"name": "", "institution": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "\0"}, "name"),
        ({"institution": "x" * 101}, "institution"),
        ({"last4": WHOLE}, "last4"),
        ({"last4": "12"}, "last4"),
        ({"name": WHOLE}, "name"),
        ({"name": "Wallet", "last4": ""}, "name"),
    ],
)
def test_what_it_cannot_be_called_is_refused_at_its_field_and_kept_on_the_page(client, home, card, typed, field):
    make.account(home, name="Wallet", last4="")
    response = client.post(f"/accounts/{card.pk}/edit/", form(**typed))
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert {name: response.context["form"][name].value() for name in typed} == typed
    assert "Salary card ••1234</h1>" in text(response)
    assert said(card) == ("Salary card", "", "1234")


def test_a_whole_number_pasted_is_refused_kindly(client, card):
    html = text(client.post(f"/accounts/{card.pk}/edit/", form(last4=WHOLE)))
    assert "Only the last four digits, please: the whole number is never kept." in html


def test_the_buttons_move_it_up_and_down(client, home, card):
    other = make.account(home, name="Wallet", last4="", priority=1)
    html = text(client.get("/accounts/"))
    assert (html.count("Move up"), html.count("Move down")) == (1, 1)
    response = client.post(f"/accounts/{other.pk}/place/", {"place": "0"})
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    assert names(home) == ["Wallet", "Salary card"]


@pytest.mark.parametrize("place", ["", "-1", "x", "٣", "9" * 30])
def test_a_place_that_is_none_changes_nothing(client, home, card, place):
    make.account(home, name="Wallet", last4="", priority=1)
    assert client.post(f"/accounts/{card.pk}/place/", {"place": place}).status_code == 404
    assert names(home) == ["Salary card", "Wallet"]


def test_putting_it_away_and_back(client, home, card):
    path = f"/accounts/{card.pk}/archive/"
    assert client.post(path).headers["Location"] == "/accounts/"
    html = text(client.get("/accounts/"))
    assert (names(home), "Put away" in html, "Use it again" in html) == ([], True, True)
    assert "This account is put away" in text(client.get(f"/accounts/{card.pk}/edit/"))
    client.post(path, {"back": "1"})
    assert names(home) == ["Salary card"]


def test_the_page_says_why_it_is_not_put_away(client, home, card, loan):
    authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    response = client.post(f"/accounts/{card.pk}/archive/", headers=HTMX)
    assert response.status_code == 422
    assert "Auto-repay of Laptop debits this account. Switch it off or choose another account there first." in text(
        response
    )
    assert names(home) == ["Salary card"]


@pytest.mark.parametrize("who, status", [("viewer", 403), ("stranger", 404)])
def test_others_change_nothing(home, card, who, status):
    if who == "viewer":
        browser = signed_in(make.member(home, Role.VIEWER))
    else:
        stranger = make.user()
        make.household(stranger)
        browser = signed_in(stranger)
    make.balance(card, 1, date(2026, 2, 1))
    answers = [
        browser.get(f"/accounts/{card.pk}/edit/"),
        browser.post(f"/accounts/{card.pk}/edit/", form()),
        browser.post(f"/accounts/{card.pk}/place/", {"place": "0"}),
        browser.post(f"/accounts/{card.pk}/archive/"),
    ]
    assert [answer.status_code for answer in answers] == [status] * 4
    assert (said(card), names(home)) == (("Salary card", "", "1234"), ["Salary card"])
