"""Adding a loan: every way in, the schedule beside the form, and what is refused at its field."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from ledger.loanmath.day_count import DayCount
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import FirstDue, ListedRow, LoanTerms, Method, PenaltyTerms, Residue
from ledger.models import Bill, CreditLine, Lender, Loan, Role
from ledger.selectors.history import history
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

URL = reverse("ledger:add_loan")
KEY = "0123456789abcdef"


def car(**more):
    """A car loan of 12,000.00 at 12 % over 12 months, as the form sends it."""
    return {
        "key": KEY,
        "lender": "Bank of Tests",
        "name": "Car",
        "amount": "12,000",
        "currency": "CNY",
        "disbursed_on": "2026-01-10",
        "first_due_on": "2026-02-10",
        "count": "12",
        "rate": "12",
        "rate_per": "year",
        "method": "level",
    } | more


def send(client, kind="car", **more):
    return client.post(f"{URL}?kind={kind}", car(**more))


def errors(response):
    """The errors of the form by field, as shown."""
    return {name: list(texts) for name, texts in response.context["form"].errors.items()}


def opened_terms():
    return history(Loan.objects.get()).terms


def test_a_car_loan_is_opened_with_its_bills(client, home):
    response = send(client)
    loan = Loan.objects.get()
    assert (response.status_code, response["Location"]) == (302, reverse("ledger:loan", args=[loan.pk]))
    assert (loan.household, loan.name, loan.lender.name) == (home, "Car", "Bank of Tests")
    assert opened_terms() == LoanTerms(
        currency="CNY",
        principal=1_200_000,
        disbursed_on=date(2026, 1, 10),
        annual_rate=Decimal("0.12"),
        count=12,
        first_due_on=date(2026, 2, 10),
    )
    assert Bill.objects.get(number=1).due == Parts(principal=94_619, interest=12_000)


def test_the_loans_page_says_what_happened(client, owner):
    response = client.post(f"{URL}?kind=car", car())
    said = [str(message) for message in response.wsgi_request._messages]
    assert said == ["Car is added, with 12 bills."]


def test_the_same_form_twice_opens_one_loan(client, owner):
    first, second = send(client), send(client)
    assert first["Location"] == second["Location"]
    assert Loan.objects.count() == 1


def test_a_form_used_for_another_loan_is_refused_and_can_be_sent_again(client, owner):
    send(client)
    response = send(client, amount="13,000")
    assert (response.status_code, Loan.objects.count()) == (409, 1)
    fresh = response.context["form"]["key"].value()
    assert fresh != KEY
    assert send(client, amount="13,000", key=fresh).status_code == 302
    assert Loan.objects.count() == 2


def test_bills_due_before_today_are_entered_as_paid_if_the_user_says_so(client, owner):
    with time_machine.travel(make.at("2026-04-10"), tick=False):
        asked = car(past_paid="on")
        looked_at = client.post(f"{URL}?kind=car", asked | {"show": "1"})
        assert looked_at.context["agreement"].past == 2
        assert client.post(f"{URL}?kind=car", asked).status_code == 302
    assert Bill.objects.overdue(date(2026, 4, 10)).count() == 0
    assert Bill.objects.exclude(settled_on=None).count() == 2


def test_a_reserve_line_counts_days_and_bills_next_month_on_the_due_day(client, owner):
    response = send(
        client,
        "reserve",
        amount="1,000",
        disbursed_on="2026-01-05",
        first_due_on="",
        due_day="10",
        count="6",
        rate="0.05",
        rate_per="day",
        day_count="act/360",
        penalty="1.5",
        penalty_per="times",
        grace_days="0",
    )
    assert response.status_code == 302
    assert opened_terms() == LoanTerms(
        currency="CNY",
        principal=100_000,
        disbursed_on=date(2026, 1, 5),
        annual_rate=Decimal("0.18"),
        count=6,
        first_due_on=date(2026, 2, 10),
        first_due=FirstDue.NEXT_MONTH,
        anchor_day=10,
        day_count=DayCount.ACT_360,
        penalty=PenaltyTerms(annual_rate=Decimal("0.27")),
    )
    assert Bill.objects.get(number=1).interest_due == 1800  # 36 days at 0.05 %


def test_a_purchase_in_parts_has_a_flat_fee_and_its_cents_in_the_first_bill(client, owner):
    response = send(
        client,
        "bnpl",
        amount="1,000",
        first_due_on="",
        due_day="10",
        count="3",
        fee_rate="0.5",
        fee_per="month",
    )
    assert response.status_code == 302
    terms = opened_terms()
    assert (terms.method, terms.residue, terms.flat_fee) == (Method.FLAT, Residue.FIRST, 1500)
    bills = [bill.due for bill in Bill.objects.order_by("number")]
    assert bills == [
        Parts(principal=33_334, fee=500),
        Parts(principal=33_333, fee=500),
        Parts(principal=33_333, fee=500),
    ]


def test_a_fee_in_all_is_shared_out(client, owner):
    send(client, "card", amount="1,200", count="12", fee_rate="6", fee_per="all", first_due_on="", due_day="25")
    terms = opened_terms()
    assert (terms.flat_fee, terms.first_due_on) == (7200, date(2026, 2, 25))


@pytest.mark.parametrize(
    "left_out, value",
    [
        ("amount", {"principal": 1_200_000}),
        ("payment", {"annual_rate": Decimal("0.12")}),
        ("count", {"count": 12}),
        ("rate", {"annual_rate": Decimal("0.12")}),
    ],
)
def test_of_four_figures_the_fourth_is_worked_out(client, owner, left_out, value):
    four = {"amount": "12,000", "payment": "1,066.19", "count": "12", "rate": "12"} | {left_out: ""}
    response = send(client, "known", **four)
    assert response.status_code == 302
    terms = opened_terms()
    assert {name: getattr(terms, name) for name in value} == value
    assert Bill.objects.get(number=1).due.total == 106_619


def test_two_unknown_figures_are_one_too_many(client, owner):
    response = send(client, "known", amount="12,000", payment="", count="12", rate="")
    assert response.status_code == 422
    assert errors(response) == {"payment": ["Enter three of the four: amount, payment, number of bills and rate."]}


def test_a_payment_below_the_interest_names_the_least_that_would_do(client, owner):
    response = send(client, "known", amount="12,000", payment="100", count="", rate="12")
    assert response.status_code == 422
    [text] = errors(response)["payment"]
    assert text.startswith("With this payment the loan would never be repaid")
    assert text.endswith("¥120.31.")


def test_figures_no_loan_can_have_are_refused(client, owner):
    response = send(client, "known", amount="12,000", payment="10", count="12", rate="")
    assert errors(response) == {"payment": ["No loan has these three figures. Check each of them."]}


def test_a_loan_under_way_starts_from_what_is_still_owed(client, owner):
    response = send(
        client,
        "running",
        amount="8,000",
        disbursed_on="2026-03-01",
        first_due_on="2026-03-10",
        count="8",
        payment="1,080",
    )
    assert response.status_code == 302
    terms = opened_terms()
    assert (terms.principal, terms.disbursed_on, terms.count, terms.payment) == (800_000, date(2026, 3, 1), 8, 108_000)


def test_the_lenders_table_becomes_the_bills(client, owner):
    table = "期数\t还款日\t本金\t利息\n1\t2026-02-10\t500.00\t6.00\n2\t2026年3月10日\t1,500.00\t3.05"
    response = send(client, "table", table=table)
    assert response.status_code == 302
    terms = opened_terms()
    assert terms.principal == 200_000
    assert terms.listed == (
        ListedRow(date(2026, 2, 10), Parts(principal=50_000, interest=600)),
        ListedRow(date(2026, 3, 10), Parts(principal=150_000, interest=305)),
    )


@pytest.mark.parametrize(
    "table, text",
    [
        ("2026-02-10", "Line 1: enter the day, the principal and the interest."),
        ("2026-02-10 500 6\n2026-13-01 5 1", "Line 2: “2026-13-01 5 1” is not read as a day followed by amounts."),
        ("no figures", "Enter at least one row: day, principal, interest."),
        ("\n".join(["2026-02-10 5 1"] * 601), "A loan has at most 600 bills."),
    ],
)
def test_a_table_that_cannot_be_read_names_the_line(client, owner, table, text):
    response = send(client, "table", table=table)
    assert (response.status_code, errors(response)) == (422, {"table": [text]})


@pytest.mark.parametrize(
    "changes, field, text",
    [
        ({"amount": "-5"}, "amount", "Enter an amount without a minus sign."),
        ({"amount": "9" * 5000}, "amount", "This amount is too large to be real. Check the number of digits."),
        ({"amount": "NaN"}, "amount", "Enter an amount in figures, such as 1234.50."),
        ({"amount": "0"}, "amount", "Enter an amount above zero."),
        ({"rate": "NaN"}, "rate", "Enter a percentage in figures, such as 4.35."),
        ({"rate": "-1"}, "rate", "Enter a rate of zero or more."),
        ({"rate": "900", "rate_per": "month"}, "rate", "Enter a rate of at most 1000% a year."),
        ({"disbursed_on": "9999-01-01"}, "disbursed_on", "Enter a day between the years 1970 and 2100."),
        ({"first_due_on": "2026-01-09"}, "first_due_on", "The first bill cannot be due before the loan is paid out."),
        (
            {"first_due_on": "2036-01-09"},
            "first_due_on",
            "The first bill is more than five years after the loan is paid out. Check both days.",
        ),
        ({"count": "601"}, "count", "Enter a whole number from 1 to 600."),
        ({"count": "0"}, "count", "Enter a whole number from 1 to 600."),
        ({"count": "9" * 5000}, "count", "Enter a whole number from 1 to 600."),
        ({"currency": "XYZ"}, "currency", "Choose a currency from the list."),
        ({"upfront_fee": "12,000"}, "upfront_fee", "The fee must be less than the amount borrowed."),
        ({"lender": ""}, "lender", "Enter who lent the money, such as your bank."),
        ({"grace_days": "9000"}, "grace_days", "Enter a whole number from 0 to 366."),
        ({"due_day": "32"}, "due_day", "Enter a day from 1 to 31."),
        ({"count": ""}, "count", "Enter a whole number from 1 to 600."),
        ({"lender": "a\0b"}, "lender", "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(client, owner, changes, field, text):
    response = send(client, **changes)
    assert (response.status_code, errors(response)) == (422, {field: [text]})
    form = response.context["form"]
    assert {name: form[name].value() for name in changes} == changes
    assert form["key"].value() == KEY
    assert Loan.objects.count() == 0


def test_a_stated_payment_that_never_repays_the_loan_names_the_minimum(client, owner):
    response = send(client, payment="100")
    [text] = errors(response)["payment"]
    assert (response.status_code, "It takes at least ¥" in text) == (422, True)


def test_a_large_loan_over_fifty_years_is_ordinary(client, owner):
    response = send(client, amount="100000000000", count="600", currency="KWD", rate="0")
    assert response.status_code == 422  # beyond the limit in a currency of three decimals
    assert send(client, amount="10000000000", count="600", currency="KWD", rate="0").status_code == 302
    assert Bill.objects.count() == 600


def test_a_draw_belongs_to_its_line_only_in_its_currency(client, home):
    lender = Lender.objects.create(household=home, name="Bank of Tests")
    line = CreditLine.objects.create(household=home, lender=lender, name="Line", currency="CNY", limit=500_000)
    response = send(client, credit_line=str(line.pk), currency="USD")
    assert errors(response) == {"credit_line": ["This line is kept in another currency than the loan."]}
    send(client, credit_line=str(line.pk))
    assert Loan.objects.get().credit_line == line


def test_a_strangers_credit_line_cannot_be_chosen(client, owner):
    other = make.household()
    lender = Lender.objects.create(household=other, name="Theirs")
    line = CreditLine.objects.create(household=other, lender=lender, name="Line", currency="CNY", limit=1)
    assert send(client, credit_line=str(line.pk)).status_code == 302
    assert Loan.objects.get().credit_line is None


def test_htmx_gets_the_schedule_alone_and_nothing_is_opened(client, owner):
    response = client.post(f"{URL}?kind=car", car(lender=""), headers={"HX-Request": "true", "HX-Target": "schedule"})
    assert response.templates[0].name == "ledger/_schedule.html"
    assert response.status_code == 200
    worked_out = response.context["agreement"]
    assert (worked_out.payment, worked_out.interest, worked_out.bills) == (106_619, 79_423, 12)
    assert worked_out.ends_on == date(2027, 1, 10)
    assert Loan.objects.count() == 0


def test_without_javascript_a_button_shows_the_schedule(client, owner):
    response = client.post(f"{URL}?kind=car", car(show="1"))
    assert (response.status_code, Loan.objects.count()) == (200, 0)
    assert "1,066" in response.content.decode()


def test_the_figure_worked_out_is_shown_beside_the_form(client, owner):
    response = client.post(f"{URL}?kind=known", car(payment="1066.19", rate="", show="1"))
    assert response.context["answer"] == "rate"
    assert response.context["agreement"].terms.annual_rate == Decimal("0.12")


def test_a_flat_fee_is_shown_with_its_true_yearly_cost(client, owner):
    asked = car(amount="1,200", count="12", fee_rate="0.66", fee_per="month", first_due_on="2026-02-10", show="1")
    worked_out = client.post(f"{URL}?kind=card", asked).context["agreement"]
    assert worked_out.advertised.annual == Decimal("0.0792")
    assert (round(worked_out.cost.simple, 4), round(worked_out.cost.compound, 4)) == (
        Decimal("0.1431"),
        Decimal("0.1529"),
    )


@pytest.mark.parametrize("kind", ["reserve", "bnpl", "card", "car", "student", "mortgage", "known", "running", "table"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_kind_opens_and_asks_for_nothing_it_cannot_use(client, owner, kind, language):
    owner.language = language
    owner.save()
    response = client.get(f"{URL}?kind={kind}")
    assert response.status_code == 200
    assert response.context["form"].preset.code == kind


def test_an_unknown_kind_is_the_first_one(client, owner):
    assert client.get(f"{URL}?kind=%00nope").context["form"].preset.code == "reserve"


def test_the_page_costs_the_same_queries_with_one_lender_and_with_three(client, home, django_assert_num_queries):
    client.get(URL)
    Lender.objects.create(household=home, name="One")
    with django_assert_num_queries(6):
        client.get(URL)
    Lender.objects.create(household=home, name="Two")
    Lender.objects.create(household=home, name="Three")
    with django_assert_num_queries(6):
        client.get(URL)


def test_lenders_of_this_household_are_suggested_and_no_others(client, home):
    Lender.objects.create(household=home, name="Ours")
    Lender.objects.create(household=make.household(), name="Theirs")
    assert list(client.get(URL).context["lenders"]) == ["Ours"]


def test_a_viewer_may_not_add_a_loan(client, home):
    client.force_login(make.member(home, Role.VIEWER))
    assert client.get(URL).status_code == 403
    assert send(client).status_code == 403
    assert Loan.objects.count() == 0


def test_who_is_not_signed_in_is_asked_to(visitor):
    response = visitor.get(URL)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={URL}")
