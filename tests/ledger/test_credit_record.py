"""The credit record: what a lender would see of each loan, of the credit lines, and against the income."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from ledger.loanmath.credit_record import AgingRule, CountsFrom, Lapse
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import CreditLine, Household, Loan, Role
from ledger.selectors import credit_record as selectors
from ledger.selectors.credit_record import Burden, LapseLine, LimitUse, credit_record
from ledger.services.households import update_credit_rules, update_household
from ledger.templatetags.credit import mark_class, mark_words
from tests import builders as make
from tests.builders import NOW, at, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
URL = "/credit-record/"
INSTALLMENT = 106_619  # 12,000.00 at 12 % over 12 months
FEB_10 = date(2026, 2, 10)
RULES = {"monthly_income": "12000", "marks_kept_years": "7", "marks_kept_from": "start"}


def written(record):
    """The marks of the months in a row, the oldest first."""
    cells = [cell for year in reversed(record.years) for cell in year.months]
    return "".join(cell.mark if cell else " " for cell in cells).strip()


def seen(home, today=TODAY, **more):
    return credit_record(home, today, **more)


def one(home, today=TODAY):
    (record,) = seen(home, today).records
    return record


# --- Month by month.


def test_a_loan_paid_in_time(home, loan):
    """Paid out on 10 January; the bill of 10 February is paid that day; that of 10 March is still to come."""
    make.repayment(loan, INSTALLMENT, FEB_10)
    record = one(home)
    assert (written(record), record.days, record.bucket, record.lapses) == ("*N", 0, "M0", ())
    page = seen(home)
    assert (page.late, page.marked, page.clean_on) == (0, 0, None)


def test_a_late_bill_and_when_its_mark_ages_out(home, loan):
    """Paid on 24 February, 14 days late: kept for five years from that day."""
    make.repayment(loan, INSTALLMENT, date(2026, 2, 24))
    record = one(home)
    assert (written(record), record.days) == ("*1", 0)
    assert record.lapses == (LapseLine(Lapse(FEB_10, date(2026, 2, 24), 14), date(2031, 2, 24)),)
    assert (seen(home).marked, seen(home).clean_on) == (1, date(2031, 2, 24))
    assert one(home, date(2031, 2, 23)).lapses[-1].ages_out_on == date(2031, 2, 24)
    assert all(line.lapse.missed_on != FEB_10 for line in one(home, date(2031, 2, 24)).lapses)


def test_an_overdue_bill_counts_on_by_the_day(home, loan):
    """On 1 March the bill of 10 February is 19 days past due; on 13 March 31, in the second bucket."""
    page = seen(home)
    assert (page.late, page.days, page.bucket, page.marked, page.clean_on) == (1, 19, "M1", 1, None)
    assert written(one(home)) == "*11"
    assert one(home).lapses == (LapseLine(Lapse(FEB_10, None, 19), None),)
    record = one(home, date(2026, 3, 13))
    assert (written(record), record.days, record.bucket) == ("*12", 31, "M2")


def test_the_rule_of_the_household_decides(home, loan):
    update_credit_rules(household=home, monthly_income=None, rule=AgingRule(7, CountsFrom.START))
    assert one(home).lapses == (LapseLine(Lapse(FEB_10, None, 19), date(2033, 2, 10)),)
    assert seen(home).clean_on == date(2033, 2, 10)


def test_days_in_grace_are_past_due_and_leave_no_mark(home):
    """Twenty days of grace from 10 February: on 1 March it is 19 days past due, on 3 March beyond its grace."""
    make.loan(home, now=at("2026-01-20"), penalty=PenaltyTerms(grace_days=20))
    record = one(home)
    assert (written(record), record.days, record.lapses) == ("*N", 19, ())
    assert written(one(home, date(2026, 3, 3))) == "*11"


def test_a_paid_off_loan_is_closed_that_month(home):
    loan = make.loan(home, now=at("2026-01-20"), count=1)
    make.repayment(loan, loan.bills.get().due.total, FEB_10)
    record = one(home)
    assert (written(record), record.settled_on) == ("*C", FEB_10)


def test_a_presumed_debit_counts_as_paid(home, loan):
    make.repayment(loan, INSTALLMENT, FEB_10, presumed=True)
    assert written(one(home)) == "*N"


def test_the_last_five_years_are_shown(home):
    """Paid out in 2018 and paid on each due date: of 2026 two months, of each year before it twelve."""
    make.loan(home, now=NOW, disbursed_on=date(2018, 1, 10), first_due_on=date(2018, 2, 10), count=120)
    record = one(home)
    assert [year.year for year in record.years] == [2026, 2025, 2024, 2023, 2022]
    assert written(record) == "7" * 51


def test_a_loan_not_yet_paid_out_has_no_record(home, client):
    make.loan(home, disbursed_on=date(2026, 3, 5), first_due_on=date(2026, 4, 5))
    assert one(home).years == ()
    assert "Its record begins once it is paid out." in client.get(URL).content.decode()


# --- Limits and income.


def test_use_of_limits_the_fullest_first_those_not_drawn_on_too(home, loan):
    full = CreditLine.objects.create(household=home, lender=loan.lender, name="Full", currency="CNY", limit=2_400_000)
    CreditLine.objects.create(household=home, lender=loan.lender, name="Empty", currency="CNY", limit=100_000)
    Loan.objects.filter(pk=loan.pk).update(credit_line=full)
    lines = seen(home).lines
    assert lines == (
        LimitUse("Full", "Bank of Tests", "CNY", 2_400_000, 1_200_000),
        LimitUse("Empty", "Bank of Tests", "CNY", 100_000, 0),
    )
    assert [line.share for line in lines] == [Decimal("0.5"), Decimal(0)]


def test_bills_against_the_income(home, loan):
    """The bill of March is 1,066.19, as is each to come. With one of 2,000.00 in May, May is the heaviest."""
    update_credit_rules(household=home, monthly_income=1_000_000, rule=AgingRule())
    other = {"principal": 200_000, "annual_rate": 0, "count": 1, "first_due_on": date(2026, 5, 20)}
    make.loan(home, now=at("2026-01-20"), name="Chair", **other)
    burden = seen(home).burden
    assert burden == Burden("CNY", 1_000_000, INSTALLMENT, INSTALLMENT + 200_000, date(2026, 5, 1), others=False)
    assert (burden.share, burden.heaviest_share) == (Decimal("0.106619"), Decimal("0.306619"))


def test_without_an_income_there_is_no_share_and_other_currencies_are_not_counted(home, loan):
    make.loan(home, now=at("2026-01-20"), name="Trip", currency="JPY")
    burden = seen(home).burden
    assert (burden.this_month, burden.share, burden.heaviest_share, burden.others) == (INSTALLMENT, None, None, True)


def test_an_income_keeps_its_currency_when_the_household_takes_another(home, loan, client):
    update_credit_rules(household=home, monthly_income=1_000_000, rule=AgingRule())
    update_household(household=home, name="Home", time_zone="Asia/Shanghai", currency="JPY")
    assert (seen(home).burden.currency, seen(home).burden.income) == ("CNY", 1_000_000)
    assert client.get(URL).context["form"]["monthly_income"].value() is None


def test_a_household_without_a_loan_is_told_what_it_is_for(client):
    content = client.get(URL).content.decode()
    assert "No loans yet" in content


# --- The page.


def test_the_page_says_each_month_in_words(home, loan, client):
    content = client.get(URL).content.decode()
    assert '<td class="mark-late"><span aria-hidden="true">1</span>' in content
    assert '<span class="visually-hidden">1 to 30 days late</span>' in content
    assert "1 loan is past due, by 19 days (M1)." in content
    assert "Missed on 10 Feb, 19 days late and not paid yet." in content
    assert '<span class="visually-hidden">January</span>' in content


def test_a_clean_record_says_so(home, loan, client):
    make.repayment(loan, INSTALLMENT, FEB_10)
    content = client.get(URL).content.decode()
    assert ("Nothing is past due today." in content, "No adverse mark is kept." in content) == (True, True)


@pytest.mark.parametrize(
    "mark, words, color",
    [
        ("N", "on time", "ok"),
        ("*", "nothing due", "none"),
        ("C", "closed", "closed"),
        ("1", "1 to 30 days late", "late"),
        ("6", "151 to 180 days late", "late"),
        ("7", "more than 180 days late", "late"),
    ],
)
def test_a_mark_in_words(mark, words, color):
    with translation.override("en"):
        assert (mark_words(mark), mark_class(mark)) == (words, color)


def test_an_owner_says_income_and_rule(home, loan, client):
    assert client.post(URL, RULES)["Location"] == URL
    home = Household.objects.get()
    assert (home.monthly_income, home.income_currency) == (1_200_000, "CNY")
    assert home.aging_rule == AgingRule(7, CountsFrom.START)
    assert client.post(URL, RULES | {"monthly_income": ""}).status_code == 302
    assert (Household.objects.get().monthly_income, Household.objects.get().income_currency) == (None, "")


@pytest.mark.parametrize(
    "said, field",
    [
        ({"monthly_income": "much"}, "monthly_income"),
        ({"monthly_income": "0"}, "monthly_income"),
        ({"marks_kept_years": "0"}, "marks_kept_years"),
        ({"marks_kept_years": "31"}, "marks_kept_years"),
        ({"marks_kept_years": ""}, "marks_kept_years"),
        ({"marks_kept_from": "today"}, "marks_kept_from"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_kept_there(home, loan, client, said, field):
    answer = client.post(URL, RULES | said)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert answer.context["form"][field].value() == said[field]
    assert Household.objects.get().marks_kept_years == 5


@pytest.mark.parametrize("wrong", [{"monthly_income": 0}, {"monthly_income": 5}, {"marks_kept_from": "today"}])
def test_the_database_refuses_what_is_no_rule(home, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Household.objects.filter(pk=home.pk).update(**wrong)


def test_an_editor_and_a_viewer_see_it_and_change_nothing(home, loan):
    for role in (Role.EDITOR, Role.VIEWER):
        browser = signed_in(make.member(home, role))
        content = browser.get(URL).content.decode()
        assert "kept for 5 years from the day it was paid" in content
        assert 'name="monthly_income"' not in content
        assert browser.post(URL, RULES).status_code == 403
    assert Household.objects.get().marks_kept_years == 5


def test_a_stranger_sees_only_their_own_and_a_visitor_nothing(loan):
    stranger = make.user()
    make.household(stranger)
    assert "Laptop" not in signed_in(stranger).get(URL).content.decode()
    assert Client().get(URL)["Location"] == reverse("account_login") + "?next=/credit-record/"


def test_late_loans_come_first_and_more_on_the_next_page(home, client, monkeypatch):
    make.loan(home, name="To come", disbursed_on=date(2026, 2, 4), first_due_on=date(2026, 3, 4))
    for name, due in (("Late", "2026-02-10"), ("Later", "2026-01-25")):
        make.loan(home, now=at("2026-01-20"), name=name, first_due_on=date.fromisoformat(due))
    monkeypatch.setattr(selectors, "LOANS_A_PAGE", 2)
    first = seen(home)
    assert [record.name for record in first.records] == ["Later", "Late"]
    content = client.get(URL + first.more_url).content.decode()
    assert ("To come" in content, ">Later<" in content, "To the first" in content) == (True, False, True)
    for nonsense in ("?after=x", "?after=999999", "?after=" + "9" * 500, "?after=-1"):
        assert [record.name for record in client.get(URL + nonsense).context["shown"].records] == ["Later", "Late"]


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_with_1_loan_and_with_30(home, client, count, django_assert_num_queries):
    for number in range(count):
        loan = make.loan(home, now=at("2026-01-20"), name=f"Loan {number}")
        if number % 2:
            make.repayment(loan, INSTALLMENT, date(2026, 2, 12))
    with django_assert_num_queries(6):
        seen(home)
    with django_assert_num_queries(11):
        assert client.get(URL).status_code == 200
