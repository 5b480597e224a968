"""The month calendar: whole weeks, what is due and debited and expected on each day, and days that are not worked."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from ledger.loanmath.terms import HolidayRule
from ledger.models import Fact, Role
from ledger.models.autorepay import Reason
from ledger.selectors.bill_calendar import DayDebit, DebitState, Payday, bill_calendar, read_month
from ledger.services.answering import say_it_failed
from ledger.services.debit_chunks import debit_due
from tests import builders as make
from tests.builders import at, signed_in
from tests.ledger.debits import mandate

pytestmark = [pytest.mark.django_db, pytest.mark.service, pytest.mark.usefixtures("frozen")]

TODAY, MARCH, APRIL = date(2026, 3, 1), date(2026, 3, 1), date(2026, 4, 1)
MONDAY, SUNDAY = 0, 6
BILL = 106_619
URL = "/bills/calendar/"
CARD = "Salary card ••1234"


def days(home, month=MARCH, today=TODAY, week_begins=MONDAY, **more):
    shown = bill_calendar(home, month, today, week_begins, **more)
    return {day.on: day for day in shown.days}


def debits(home, **more):
    return {on: day.debits for on, day in days(home, **more).items() if day.debits}


class TestWeeks:
    @pytest.mark.parametrize(
        "week_begins, first, last",
        [(MONDAY, date(2026, 2, 23), date(2026, 4, 5)), (SUNDAY, date(2026, 3, 1), date(2026, 4, 4))],
    )
    def test_they_are_whole_and_begin_as_the_reader_expects(self, home, week_begins, first, last):
        shown = bill_calendar(home, MARCH, TODAY, week_begins)
        assert {len(week) for week in shown.weeks} == {7}
        assert (shown.weeks[0][0].on, shown.weeks[-1][-1].on) == (first, last)
        assert [day.on.day for day in shown.days] == list(range(1, 32))

    @pytest.mark.parametrize("language, head", [("en", "Sun"), ("zh-hans", "Mon")])
    def test_in_chinese_the_week_begins_on_monday(self, client, owner, home, language, head):
        owner.language = language
        owner.save()
        response = client.get(URL)
        assert response.context["weekdays"][0].strftime("%a") == head
        assert response.content.decode().count('scope="col"') == 7

    @pytest.mark.parametrize("text", ["", "2026-13", "NaN", "9999-12", "1969-12", "2026-03-01", "\0", "9" * 500])
    def test_what_is_no_month_is_this_one(self, client, home, text):
        assert read_month(text, TODAY) == MARCH
        assert client.get(URL, {"month": text, "day": text}).status_code == 200

    def test_the_first_and_the_last_month_lead_no_further(self, home):
        first = bill_calendar(home, read_month("1970-01", TODAY), TODAY, MONDAY)
        last = bill_calendar(home, read_month("2100-12", TODAY), TODAY, SUNDAY)
        assert (first.before, first.after) == (None, date(1970, 2, 1))
        assert (last.before, last.after) == (date(2100, 11, 1), None)

    def test_today_is_that_of_the_household(self, client, home, loan):
        """Noon of 1 March in Shanghai is 18 o'clock of 28 February in Honolulu."""
        home.time_zone = "Pacific/Honolulu"
        home.save()
        assert client.get(URL).context["shown"].month == date(2026, 2, 1)


class TestBills:
    def test_each_stands_on_its_day_as_its_lenders_sum(self, home, loan):
        make.loan(home, name="Chair", now=at("2026-01-20"))
        [line] = days(home)[date(2026, 3, 10)].statements
        assert (line.statement.lender, line.statement.open.total, line.standing) == (
            "Bank of Tests",
            2 * BILL,
            "upcoming",
        )

    def test_its_state_is_said_in_words_and_by_an_icon(self, client, loan):
        make.repayment(loan, BILL, date(2026, 2, 10))
        assert "#check" in client.get(URL, {"month": "2026-02"}).content.decode().partition('class="month"')[2]
        assert "Paid" in client.get(URL, {"month": "2026-02"}).content.decode()
        assert "Upcoming" in client.get(URL).content.decode()

    def test_each_day_can_be_opened(self, client, loan):
        content = client.get(URL).content.decode()
        links = [f'href="?month=2026-03&amp;day=2026-03-{day:02}#day"' in content for day in range(1, 32)]
        assert links == [True] * 31
        opened = client.get(URL, {"month": "2026-03", "day": "2026-03-10"})
        assert opened.context["shown"].shown_day.on == date(2026, 3, 10)
        assert "Tue 10 Mar" in opened.content.decode().partition('id="day"')[2]

    def test_without_a_day_asked_for_it_is_today_and_in_another_month_none(self, home, loan):
        assert bill_calendar(home, MARCH, TODAY, MONDAY).shown_day.on == TODAY
        assert bill_calendar(home, MARCH, TODAY, MONDAY, asked="2026-04-10").shown_day.on == TODAY
        assert bill_calendar(home, APRIL, TODAY, MONDAY).shown_day is None


class TestDebits:
    def test_what_is_to_come_says_whether_the_money_is_there(self, home, loan, card):
        make.repayment(loan, BILL, date(2026, 2, 10))
        mandate(loan, card)
        make.balance(card, 200_000, TODAY)
        covered = DayDebit(CARD, "CNY", DebitState.COVERED, BILL, 1)
        assert debits(home) == {date(2026, 3, 10): (covered,)}
        short = DayDebit(CARD, "CNY", DebitState.SHORT, BILL, 1, missing=2 * BILL - 200_000)
        assert debits(home, month=APRIL) == {date(2026, 4, 10): (short,)}

    def test_debits_of_one_account_and_day_are_one_line_with_the_worst_said(self, home, loan, card):
        other = make.loan(home, name="Chair", now=at("2026-01-20"))
        for one in (loan, other):
            make.repayment(one, BILL, date(2026, 2, 10))
            mandate(one, card)
        make.balance(card, BILL, TODAY)
        expected = DayDebit(CARD, "CNY", DebitState.SHORT, 2 * BILL, 2, missing=BILL)
        assert debits(home) == {date(2026, 3, 10): (expected,)}

    def test_an_unknown_balance_is_said_to_be_unknown(self, home, loan, card):
        make.repayment(loan, BILL, date(2026, 2, 10))
        mandate(loan, card)
        assert debits(home) == {date(2026, 3, 10): (DayDebit(CARD, "CNY", DebitState.UNKNOWN, BILL, 1),)}

    def test_what_was_debited_stands_on_its_day(self, home, loan, card):
        mandate(loan, card)
        make.balance(card, 200_000, date(2026, 2, 1), at("2026-02-01"))
        debit_due(at("2026-02-10", 10))
        february = date(2026, 2, 1)
        assert debits(home, month=february) == {
            date(2026, 2, 10): (DayDebit(CARD, "CNY", DebitState.DEBITED, BILL, 1),)
        }

    def test_of_several_tries_on_a_day_the_last_counts(self, home, loan, card):
        """100.00 at 09:30 and at 15:30, and on the days after: what is missing is said once a day."""
        mandate(loan, card)
        make.balance(card, 10_000, date(2026, 2, 1), at("2026-02-01"))
        debit_due(at("2026-02-10", 16))
        failed = DayDebit(CARD, "CNY", DebitState.FAILED, BILL, 1, missing=BILL - 10_000)
        assert debits(home, month=date(2026, 2, 1), today=date(2026, 2, 10))[date(2026, 2, 10)] == (failed,)

    def test_a_presumed_debit_that_failed_after_all_has_failed(self, home, loan, card):
        """And the lender tries again at 15:30."""
        mandate(loan, card)
        debit_due(at("2026-02-10", 10))
        february = {"month": date(2026, 2, 1), "today": date(2026, 2, 10)}
        [presumed] = debits(home, **february)[date(2026, 2, 10)]
        fact = Fact.objects.get(loan=loan)
        say_it_failed(repayment=fact, reason=Reason.INSUFFICIENT, recording=make.recording(at("2026-02-10")))
        states = [one.state for one in debits(home, **february)[date(2026, 2, 10)]]
        assert (presumed.state, states) == (DebitState.PRESUMED, [DebitState.FAILED, DebitState.UNKNOWN])

    def test_so_far_ahead_nothing_is_said_of_debits(self, client, home, card):
        loan = make.loan(home, now=at("2026-01-20"), count=36)
        mandate(loan, card)
        shown = bill_calendar(home, date(2027, 10, 1), TODAY, MONDAY)
        assert (shown.without_debits, debits(home, month=date(2027, 10, 1))) == (True, {})
        assert "too far ahead" in client.get(URL, {"month": "2027-10"}).content.decode()


class TestPaydays:
    def test_a_salary_stands_on_each_of_its_days(self, home, card):
        make.inflow(card)
        payday = Payday("Salary", CARD, "CNY", 1_200_000)
        assert {on: day.paydays for on, day in days(home).items() if day.paydays} == {date(2026, 3, 15): (payday,)}
        assert days(home, month=date(2031, 5, 1))[date(2031, 5, 15)].paydays == (payday,)

    def test_it_is_moved_as_its_shift_says(self, home, card):
        """15 March 2026 is a Sunday."""
        make.inflow(card, shift=HolidayRule.PREVIOUS_WORKDAY, holiday_calendar="CN")
        assert [on for on, day in days(home).items() if day.paydays] == [date(2026, 3, 13)]


class TestWorkingDays:
    def test_holidays_and_shifted_working_days_of_the_calendars_in_use(self, home):
        """In China 1-7 October 2026 are holidays, for which Saturday 10 October is worked."""
        assert days(home, month=date(2026, 10, 1))[date(2026, 10, 1)].holiday_in == ()
        make.loan(home, now=at("2026-01-20"), holiday_calendar="CN")
        found = days(home, month=date(2026, 10, 1))
        assert [on.day for on, day in found.items() if day.holiday_in] == [1, 2, 3, 5, 6, 7]
        assert {on.day: day.workday_in for on, day in found.items() if day.workday_in} == {10: ("CN",)}

    def test_places_are_named_only_where_there_are_several(self, client, home, card):
        make.loan(home, now=at("2026-01-20"), holiday_calendar="CN")
        shown = bill_calendar(home, date(2026, 10, 1), TODAY, MONDAY)
        make.inflow(card, shift=HolidayRule.NEXT_WORKDAY, holiday_calendar="US")
        both = bill_calendar(home, date(2026, 10, 1), TODAY, MONDAY)
        assert (shown.names_places, both.names_places) == (False, True)
        assert "Holiday" in client.get(URL, {"month": "2026-10"}).content.decode()


class TestWho:
    def test_a_stranger_sees_only_their_own(self, loan):
        stranger = make.user()
        make.household(stranger)
        assert "Bank of Tests" not in signed_in(stranger).get(URL).content.decode()

    def test_a_viewer_sees_it(self, home, loan):
        viewer = signed_in(make.member(home, Role.VIEWER))
        assert "Bank of Tests" in viewer.get(URL).content.decode()

    def test_who_is_not_signed_in_is_asked_to(self):
        assert Client().get(URL).headers["Location"] == f"{reverse('account_login')}?next={URL}"


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_with_1_loan_and_with_30(client, home, card, count, django_assert_num_queries):
    make.balance(card, 300_000, TODAY)
    make.inflow(card)
    for n in range(count):
        loan = make.loan(home, name=f"Loan {n}", now=at("2026-01-20"))
        mandate(loan, card)
    with django_assert_num_queries(15):
        assert client.get(URL).status_code == 200
