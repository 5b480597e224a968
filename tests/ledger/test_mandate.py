"""Auto-repay of a loan: switching it on, changing it, switching it off, and what its page says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger import clock
from ledger.models import AutoRepayMandate, Bill, Loan, Repayment, Role
from ledger.services.debit_chunks import debit_due
from ledger.services.households import update_household
from ledger.services.mandates import authorize_mandate, end_mandate
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

JAN_20 = at("2026-01-20")


@pytest.fixture
def loan(home):
    """Its first bill is due in ten days."""
    now = clock.now()
    today = home.today(now)
    return make.loan(home, now=now, disbursed_on=today - timedelta(days=20), first_due_on=today + timedelta(days=10))


def path(loan):
    return f"/loans/{loan.pk}/auto-repay/"


def choice(card, **more):
    return {
        "key": make.unique().replace("-", "0") * 3,
        "account": card.pk,
        "preset": "morning",
        "own_windows": "",
    } | more


def text(response):
    return " ".join(response.content.decode().split())


def live(loan):
    return AutoRepayMandate.objects.live().get(loan=loan)


def next_debit_at(loan):
    return Loan.objects.get(pk=loan.pk).auto_repay_at


def test_the_page_says_that_no_money_is_moved(client, loan, card):
    html = text(client.get(path(loan)))
    assert "It moves no money and talks to no bank." in html
    assert "Salary card ••1234" in html


def test_without_an_account_in_the_loans_currency_one_is_added_first(client, home, loan):
    make.account(home, name="Dollars", currency="USD")
    html = text(client.get(path(loan)))
    assert f'href="/accounts/new/?loan={loan.pk}"' in html
    assert "Dollars" not in html


def test_switching_it_on(client, home, loan, card):
    response = client.post(path(loan), choice(card))

    assert (response.status_code, response.headers["Location"]) == (302, path(loan))
    mandate = live(loan)
    due_on = Bill.objects.get(loan=loan, number=1).payable_on
    assert (list(mandate.accounts.all()), mandate.windows, mandate.started_on) == (
        [card],
        ["09:30", "15:30"],
        home.today(clock.now()),
    )
    assert next_debit_at(loan) == datetime(due_on.year, due_on.month, due_on.day, 1, 30, tzinfo=UTC)
    html = text(client.get(path(loan)))
    assert "Auto-repay is on" in html
    assert "09:30, 15:30" in html


@pytest.mark.parametrize(
    "chosen, windows",
    [
        ({"preset": "daily"}, ["11:30", "19:00"]),
        ({"preset": "own", "own_windows": "20:00， 8:05、20:00"}, ["08:05", "20:00"]),
    ],
)
def test_the_times_can_be_chosen(client, loan, card, chosen, windows):
    client.post(path(loan), choice(card, **chosen))
    assert live(loan).windows == windows


@pytest.mark.parametrize("typed", ["", "noon", "25:00", "9", "09:30+08:00", "1:00 2:00 3:00 4:00 5:00 6:00 7:00", "\0"])
def test_times_that_are_none_are_refused_where_they_were_typed(client, loan, card, typed):
    response = client.post(path(loan), choice(card, preset="own", own_windows=typed))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["own_windows"]
    assert not AutoRepayMandate.objects.exists()


@pytest.mark.parametrize(
    "field, value", [("account", ""), ("account", "x"), ("account", "9" * 40), ("preset", "never"), ("key", "")]
)
def test_bad_input_changes_nothing(client, loan, card, field, value):
    response = client.post(path(loan), choice(card, **{field: value}))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not AutoRepayMandate.objects.exists()


def test_another_households_account_cannot_be_chosen(client, loan, card):
    other = make.account(make.household())
    response = client.post(path(loan), choice(other))
    assert response.status_code == 422
    assert response.context["form"].errors == {"account": ["Choose one of your accounts."]}
    assert not AutoRepayMandate.objects.exists()


def test_the_same_form_twice_is_one_mandate_and_with_other_content_a_conflict(client, loan, card):
    form = choice(card)
    assert [client.post(path(loan), form).status_code for _ in range(2)] == [302, 302]
    assert client.post(path(loan), form | {"preset": "daily"}).status_code == 409
    assert [mandate.windows for mandate in AutoRepayMandate.objects.all()] == [["09:30", "15:30"]]


def test_switching_it_off_and_off_again(client, loan, card):
    client.post(path(loan), choice(card))
    url = f"{path(loan)}{live(loan).pk}/"
    for _ in range(2):
        assert client.post(url, {"what": "end"}, headers={"HX-Request": "true"}).status_code == 200
    assert not AutoRepayMandate.objects.live().exists()
    assert "Switch it on" in text(client.get(path(loan)))


def test_a_viewer_looks_and_a_stranger_finds_nothing(client, home, loan, card):
    client.post(path(loan), choice(card))
    viewer = signed_in(make.member(home, Role.VIEWER))
    html = text(viewer.get(path(loan)))
    assert "Auto-repay is on" in html
    assert "<form method" not in html.split("<main")[1]
    for url in (path(loan), f"{path(loan)}{live(loan).pk}/"):
        assert viewer.post(url, {"what": "end"}).status_code == 403

    stranger = make.user()
    make.household(stranger)
    url = f"{path(loan)}{live(loan).pk}/"
    for response in (signed_in(stranger).get(path(loan)), signed_in(stranger).post(url, {"what": "end"})):
        assert response.status_code == 404
    assert AutoRepayMandate.objects.live().count() == 1


def test_a_presumed_debit_can_be_answered_on_the_page(client, home, loan, card):
    client.post(path(loan), choice(card))
    debit_due(next_debit_at(loan))
    fact = Repayment.objects.get(loan=loan)

    html = text(client.get(path(loan)))

    assert "Presumed, please confirm" in html
    assert f'action="/loans/{loan.pk}/facts/{fact.pk}/confirm/"' in html
    assert f'href="/loans/{loan.pk}/facts/{fact.pk}/answer/?say=no"' in html
    reverse_fact(fact=fact, recording=make.recording(next_debit_at(loan) + timedelta(hours=1)))
    assert "Failed after all" in text(client.get(path(loan)))


def test_the_page_says_what_is_in_the_account(client, home, loan, card):
    client.post(path(loan), choice(card))
    assert "Its balance is unknown" in text(client.get(path(loan)))

    now = clock.now()
    make.balance(card, 50_000, home.today(now) - timedelta(days=31), now)
    assert "Its balance is too old to count on" in text(client.get(path(loan)))

    make.balance(card, 60_000, home.today(now), now)
    assert "¥600.00 in it, estimated from the balance of" in text(client.get(path(loan)))


def test_changing_the_account_keeps_bills_that_are_being_retried(home):
    empty, full = make.account(home, name="Empty"), make.account(home, name="Full")
    retried = make.loan(home, now=JAN_20)
    authorize_mandate(scope=retried, sources=[empty], recording=make.recording(JAN_20))
    for account, amount in ((empty, 0), (full, 500_000)):
        make.balance(account, amount, date(2026, 2, 9), at("2026-02-09"))
    debit_due(at("2026-02-10", 16))

    changed = authorize_mandate(scope=retried, sources=[full], recording=make.recording(at("2026-02-11", 8)))

    assert (changed.started_on, next_debit_at(retried)) == (
        date(2026, 1, 20),
        at("2026-02-11", 9) + timedelta(minutes=30),
    )
    debit_due(at("2026-02-11", 10))
    assert [str(row.outcome) for row in changed.attempts.all()] == ["success"]


def test_authorizing_what_is_in_force_changes_nothing(home, loan, card):
    first = authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    again = authorize_mandate(scope=loan, sources=[card], recording=make.recording())
    assert again == first
    assert AutoRepayMandate.objects.count() == 1


def test_a_settled_loan_needs_no_mandate(home, card):
    loan = make.loan(home, now=JAN_20, count=1, annual_rate=0)
    make.repayment(loan, 1_200_000, date(2026, 2, 1), at("2026-02-01"))
    loan.refresh_from_db()
    assert loan.settled_on == date(2026, 2, 1)

    refused = authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-02-02")))

    assert isinstance(refused, Refusal)
    assert refused.code == "settled"


def test_an_account_in_another_currency_and_ending_what_never_began_are_refused(home, loan):
    dollars = make.account(home, name="Dollars", currency="USD")
    refusals = [
        authorize_mandate(scope=loan, sources=[dollars], recording=make.recording()),
        end_mandate(scope=loan, recording=make.recording()),
    ]
    assert [refusal.code for refusal in refusals] == ["currency", "no_mandate"]


def test_moving_to_another_time_zone_moves_the_debits(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(JAN_20))
    update_household(household=home, name=home.name, time_zone="UTC", currency="CNY")
    assert next_debit_at(loan) == datetime(2026, 2, 10, 9, 30, tzinfo=UTC)
