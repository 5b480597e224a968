"""The accounts page, adding an account, stating a balance."""

from datetime import date, timedelta

import pytest
from django.test import Client

from ledger import clock
from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayMandate, FundingAccount, Role, StatedBalance
from ledger.selectors.accounts import accounts_page
from ledger.selectors.balances import balance_on
from ledger.services.accounts import add_account, state_balance
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate, pause_mandate
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def home(owner):
    return make.household(owner, time_zone="UTC")


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def today(now):
    return now.date()


def loan_under_mandate(home, card, now, due_in=10, **more):
    """1,200.00 in 12 installments of 100.00 without interest, the first due in some days."""
    today = now.date()
    loan = make.loan(
        home,
        now=now,
        **(
            {
                "principal": 120_000,
                "annual_rate": 0,
                "disbursed_on": today - timedelta(days=20),
                "first_due_on": today + timedelta(days=due_in),
            }
            | more
        ),
    )
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(now))
    return loan


def text(response):
    return " ".join(response.content.decode().split())


def test_without_accounts_the_page_says_what_they_are_good_for(client):
    html = text(client.get("/accounts/"))
    assert "Will the money be there?" in html
    assert 'href="/accounts/new/"' in html


def test_two_bills_and_money_for_one_name_the_second_and_topping_up_clears_it(client, home, now, today):
    card = make.account(home)
    loan_under_mandate(home, card, now, due_in=5, name="Laptop", count=1, principal=10_000)
    loan_under_mandate(home, card, now, due_in=8, name="Phone", count=1, principal=15_000)
    make.balance(card, 12_000, today, now)

    html = text(client.get("/accounts/"))
    assert "Short by" in html
    assert "Bank of Tests (Phone) debits ¥150.00 from Salary card ••1234 in 8 days, and it is not all there." in html
    assert html.count("short</span>") == 1
    assert "¥130.00 short" in html

    make.balance(card, 35_000, today, now)
    html = text(client.get("/accounts/"))
    assert "short</span>" not in html
    assert "Yes, for every debit up to" in html


def test_the_balance_line_is_drawn_where_it_is_known(client, home, now, today):
    """120.00, of which 100.00 goes after 5 days: 20.00 is left, and 130.00 is missing once the next 150.00 is due."""
    card = make.account(home)
    loan_under_mandate(home, card, now, due_in=5, name="Laptop", count=1, principal=10_000)
    assert "chart-low" not in text(client.get("/accounts/"))  # nobody knows the balance

    make.balance(card, 12_000, today, now)
    (line,) = accounts_page(home, today).lines
    assert line.chart.line == "M0 0H83V833H1000"  # 5 of 60 days, a sixth of the height
    assert "at ¥20.00. The list below" in text(client.get("/accounts/"))

    loan_under_mandate(home, card, now, due_in=8, name="Phone", count=1, principal=15_000)
    html = text(client.get("/accounts/"))
    assert "at −¥130.00, below zero." in html
    assert 'class="below"' in html


def test_a_debit_beyond_the_days_drawn_is_left_to_the_list(client, home, now, today):
    """The bill of day 58 is debited once its auto-repay goes on, on day 64: the line ends with day 60."""
    card = make.account(home)
    loan_under_mandate(home, card, now, due_in=5, name="Laptop", count=1, principal=10_000)
    later = loan_under_mandate(home, card, now, due_in=58, name="Phone", count=1, principal=15_000)
    every_day = Wishes(rule=DebitRule(daily=True))
    given = authorize_mandate(scope=later, sources=[card], recording=make.recording(now), wishes=every_day)
    pause_mandate(mandate=given, recording=make.recording(now), resumes_on=today + timedelta(days=64))
    make.balance(card, 12_000, today, now)

    (line,) = accounts_page(home, today).lines

    assert [(step.on - today).days for step in line.steps] == [5, 64]
    assert line.chart.line == "M0 0H83V833H1000"


def test_an_unknown_and_an_old_balance_are_shown_as_such_and_not_as_zero(client, home, now, today):
    card = make.account(home)
    loan_under_mandate(home, card, now)
    html = text(client.get("/accounts/"))
    assert "Balance unknown" in html
    assert "Say what is in your accounts, and you will know." in html

    make.balance(card, 5_000, today - timedelta(days=31), now)
    html = text(client.get("/accounts/"))
    assert "Too old to count on" in html
    assert "short</span>" not in html


def test_mandates_are_listed_with_their_last_tries_and_loans_without(client, home, now, today):
    card = make.account(home)
    authorized = now - timedelta(days=2)
    loan = loan_under_mandate(home, card, authorized, due_in=1, name="Laptop")
    make.balance(card, 4_000, today - timedelta(days=2), now)
    make.loan(home, now=now, name="By hand")
    debit_due(now)

    html = text(client.get("/accounts/"))
    assert f'href="/loans/{loan.pk}/auto-repay/"' in html
    assert "bill 1, ¥100.00" in html
    assert "¥60.00 missing" in html
    assert "You repay this one by hand." in html


def test_old_tries_and_loans_without_auto_repay_are_folded_away(client, home, now, today):
    """Each day a try for 100.00 fails, for there are 40.00: the last is open to see, those before are folded."""
    card = make.account(home)
    make.loan(home, now=now, name="By hand")
    make.loan(home, now=now, name="By hand too")
    html = text(client.get("/accounts/"))
    assert '<details class="more" open><summary>Off for 2 loans</summary>' in html
    loan_under_mandate(home, card, now - timedelta(days=4), due_in=0, name="Laptop")
    make.balance(card, 4_000, today - timedelta(days=4), now)
    for days in (2, 1, 0):
        debit_due(now - timedelta(days=days))
    html = text(client.get("/accounts/"))
    assert '<details class="more"><summary>Off for 2 loans</summary>' in html
    last, earlier = html.split('<summary>Earlier tries<span class="visually-hidden"> Laptop</span></summary>')
    assert (last.count("¥60.00 missing"), earlier.partition("</details>")[0].count("¥60.00 missing")) == (1, 2)


def test_the_next_debit_is_a_debit_and_not_the_day_a_presumed_one_is_trusted(home, now, today):
    card = make.account(home)
    loan = loan_under_mandate(home, card, now - timedelta(days=2), due_in=0)
    AutoRepayMandate.objects.update(trust_days=5)
    debit_due(now.replace(hour=23, minute=59))
    assert loan.bills.get(number=1).presumed == 10_000

    (row,) = accounts_page(home, today).mandates

    assert row.next_debit_on == loan.bills.get(number=2).payable_on


@pytest.mark.parametrize("count", [1, 3])
def test_one_account_or_three_cost_sixteen_queries(client, home, now, today, count, django_assert_num_queries):
    for n in range(count):
        card = make.account(home, name=f"Card {n}")
        loan_under_mandate(home, card, now - timedelta(days=2), due_in=1, name=f"Loan {n}")
        make.balance(card, 50_000, today, now)
        make.loan(home, now=now, name=f"Other {n}")
    debit_due(now)
    client.get("/accounts/")
    with django_assert_num_queries(16):
        assert client.get("/accounts/").status_code == 200


def test_a_viewer_sees_the_page_without_its_forms(home):
    make.account(home)
    viewer = signed_in(make.member(home, Role.VIEWER))
    html = text(viewer.get("/accounts/"))
    assert "Salary card ••1234" in html
    assert "/balance/" not in html


def test_a_stranger_sees_nothing_of_it(home):
    account = make.account(home)
    stranger = make.user()
    make.household(stranger)
    client = signed_in(stranger)
    assert "Salary card" not in text(client.get("/accounts/"))
    assert client.get(f"/accounts/{account.pk}/balance/").status_code == 404
    assert client.post(f"/accounts/{account.pk}/balance/", {"amount": "1"}).status_code == 404
    assert StatedBalance.objects.count() == 0


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/new/", "/accounts/1/balance/", "/loans/1/auto-repay/"])
def test_signed_out_is_led_to_sign_in(path):
    response = Client().get(path)
    assert (response.status_code, response.headers["Location"]) == (302, f"/account/login/?next={path}")


def new_account(**more):
    return {
        "key": make.unique().replace("-", "0") * 3,
        "name": "招行",
        "kind": "card",
        "last4": "5678",
        "currency": "CNY",
    } | more


def test_adding_an_account_with_what_is_in_it(client, home, today):
    response = client.post("/accounts/new/", new_account(balance="1,234.50"))

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    account = FundingAccount.objects.get(household=home)
    assert (str(account), account.kind, account.currency) == ("招行 ••5678", "card", "CNY")
    assert (balance_on(account, today).amount, balance_on(account, today).stated_on) == (123_450, today)


def test_with_htmx_the_next_page_comes_by_location(client, home):
    response = client.post("/accounts/new/", new_account(), headers=HTMX)
    assert (response.status_code, response.headers["HX-Location"]) == (200, '{"path": "/accounts/"}')
    assert FundingAccount.objects.filter(household=home).count() == 1


def test_sending_the_same_form_twice_adds_one_account_and_one_balance(client, home):
    form = new_account(balance="10")
    assert [client.post("/accounts/new/", form).status_code for _ in range(2)] == [302, 302]
    assert FundingAccount.objects.filter(household=home).count() == 1
    assert StatedBalance.objects.count() == 1


def test_an_account_of_that_name_in_another_currency_is_refused_at_the_name(client, home):
    client.post("/accounts/new/", new_account())
    response = client.post("/accounts/new/", new_account(currency="USD"))
    assert response.status_code == 422
    assert response.context["form"].errors == {"name": ["An account of this name is already on the list."]}


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("name", "\0"),
        ("name", "x" * 101),
        ("kind", "yacht"),
        ("last4", "12"),
        ("last4", "12345"),
        ("last4", "٤٤٤٤a"),
        ("currency", "XYZ"),
        ("balance", "NaN"),
        ("balance", "9" * 5000),
        ("balance", "1.234"),
        ("key", ""),
    ],
)
def test_bad_input_comes_back_with_a_word_at_its_field_and_nothing_lost(client, home, field, value):
    response = client.post("/accounts/new/", new_account(**{field: value}))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert FundingAccount.objects.filter(household=home).count() == 0
    if field != "name":
        assert "招行" in text(response)


def test_adding_for_a_loan_leads_back_to_its_auto_repay(client, home, now):
    loan = make.loan(home, now=now)
    response = client.post(f"/accounts/new/?loan={loan.pk}", new_account())
    assert response.headers["Location"] == f"/loans/{loan.pk}/auto-repay/"


@pytest.mark.parametrize("loan", ["x", "9" * 30, "-1", "0"])
def test_an_unknown_loan_to_return_to_is_ignored(client, loan):
    assert client.post(f"/accounts/new/?loan={loan}", new_account()).headers["Location"] == "/accounts/"


def test_a_viewer_adds_and_states_nothing(home):
    account = make.account(home)
    viewer = signed_in(make.member(home, Role.VIEWER))
    for path in ("/accounts/new/", f"/accounts/{account.pk}/balance/"):
        assert viewer.get(path).status_code == 403
        assert viewer.post(path, new_account(amount="1", stated_on="2026-01-01")).status_code == 403
    assert (FundingAccount.objects.count(), StatedBalance.objects.count()) == (1, 0)


def test_stating_a_balance(client, home, today):
    account = make.account(home)
    path = f"/accounts/{account.pk}/balance/"
    assert f'value="{today.isoformat()}"' in text(client.get(path))

    response = client.post(path, {"key": "a" * 32, "amount": "¥ 2,000", "stated_on": today.isoformat()})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/")
    assert balance_on(account, today).amount == 200_000
    assert "Stated before" in text(client.get(path))


def test_an_overdrawn_account_can_be_stated(client, home, today):
    account = make.account(home)
    client.post(f"/accounts/{account.pk}/balance/", {"key": "a" * 32, "amount": "-20", "stated_on": today.isoformat()})
    assert balance_on(account, today).amount == -2_000


@pytest.mark.parametrize(
    "field, value",
    [
        ("amount", ""),
        ("amount", "lots"),
        ("amount", "9" * 5000),
        ("stated_on", "2026-02-30"),
        ("stated_on", "9999-01-01"),
        ("stated_on", "2099-01-01"),
        ("key", "x"),
    ],
)
def test_a_balance_that_cannot_be_is_refused_at_its_field(client, home, today, field, value):
    account = make.account(home)
    form = {"key": "a" * 32, "amount": "20", "stated_on": today.isoformat()} | {field: value}
    response = client.post(f"/accounts/{account.pk}/balance/", form)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert StatedBalance.objects.count() == 0


def test_the_same_key_with_another_balance_is_a_conflict(client, home, today):
    account = make.account(home)
    path = f"/accounts/{account.pk}/balance/"
    form = {"key": "a" * 32, "amount": "20", "stated_on": today.isoformat()}
    assert client.post(path, form).status_code == 302
    assert client.post(path, form).status_code == 302
    assert client.post(path, form | {"amount": "30"}).status_code == 409
    assert StatedBalance.objects.get().amount == 2_000


def test_an_id_beyond_all_integers_is_not_found(client):
    assert client.get(f"/accounts/{'9' * 40}/balance/").status_code == 404
    assert client.get(f"/loans/{'9' * 40}/auto-repay/").status_code == 404


def test_of_two_balances_of_one_day_the_one_stated_last_counts(home):
    account = make.account(home)
    make.balance(account, 100, date(2026, 3, 1))
    make.balance(account, 250, date(2026, 3, 1))
    assert balance_on(account, date(2026, 3, 2)).amount == 250


def test_a_balance_takes_what_is_booked_after_it_and_nothing_from_before(home):
    account = make.account(home)
    loan = make.loan(home, now=make.at("2026-01-20"))
    make.repayment(loan, 1_000, date(2026, 2, 9), make.at("2026-02-10", 8), account=account)
    make.repayment(loan, 2_000, date(2026, 2, 10), make.at("2026-02-10", 9), account=account)
    make.balance(account, 50_000, date(2026, 2, 10), make.at("2026-02-10", 10))
    make.repayment(loan, 4_000, date(2026, 2, 10), make.at("2026-02-10", 11), account=account)
    make.repayment(loan, 8_000, date(2026, 2, 12), make.at("2026-02-12", 9), account=account)

    assert balance_on(account, date(2026, 2, 9)) is None
    assert balance_on(account, date(2026, 2, 10)).amount == 46_000
    assert balance_on(account, date(2026, 2, 12)).amount == 38_000


@pytest.mark.parametrize("stated_on, left", [(date(2026, 2, 9), 50_000), (date(2026, 2, 11), 50_000)])
def test_a_debit_undone_later_leaves_a_balance_stated_before_or_after_it_as_it_was(home, stated_on, left):
    account = make.account(home)
    loan = make.loan(home, now=make.at("2026-01-20"))
    paid = make.repayment(loan, 1_000, date(2026, 2, 10), make.at("2026-02-10", 10), account=account)
    make.balance(account, 50_000, stated_on, make.at("2026-02-11"))

    reverse_fact(fact=paid, recording=make.recording(make.at("2026-02-12")))

    assert balance_on(account, date(2026, 2, 12)).amount == left


def test_services_refuse_with_reasons(home):
    account = add_account(household=home, name="Wallet", currency="CNY")
    assert add_account(household=home, name="Wallet", currency="CNY") == account
    refused = state_balance(account=account, amount=1, stated_on=date(2026, 3, 2), recording=make.recording())
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("in_future", "stated_on")
