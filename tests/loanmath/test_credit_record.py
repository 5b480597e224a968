"""The credit record: every mark, lapse and date here can be counted off on a calendar."""

from datetime import date

import pytest

from ledger.loanmath.credit_record import (
    AgingRule,
    CountsFrom,
    Lapse,
    MonthMark,
    RecordedBill,
    ages_out_on,
    lapses,
    late_mark,
    month_marks,
)

AS_OF = date(2026, 6, 20)
OPENED = date(2026, 1, 5)


def bill(payable_on: str, settled_on: str = "") -> RecordedBill:
    return RecordedBill(date.fromisoformat(payable_on), date.fromisoformat(settled_on) if settled_on else None)


def written(*bills: RecordedBill, opened_on=OPENED, closed_on=None, as_of=AS_OF, grace_days=0) -> str:
    """The marks of the months in a row, as the report prints them."""
    marks = month_marks(opened_on=opened_on, closed_on=closed_on, bills=bills, as_of=as_of, grace_days=grace_days)
    return "".join(month.mark for month in marks)


def on_time(*months: int) -> list[RecordedBill]:
    """Bills of the 10th, each paid on its day."""
    return [RecordedBill(date(2026, month, 10), date(2026, month, 10)) for month in months]


@pytest.mark.parametrize(
    ("days", "mark"),
    [(1, "1"), (30, "1"), (31, "2"), (60, "2"), (61, "3"), (90, "3"), (180, "6"), (181, "7"), (2000, "7")],
)
def test_a_mark_is_a_month_of_days(days: int, mark: str) -> None:
    assert late_mark(days) == mark


def test_a_loan_paid_as_agreed() -> None:
    """Paid out in January, first due in February: nothing to pay, then five months in time."""
    assert written(*on_time(2, 3, 4, 5, 6)) == "*NNNNN"


def test_five_days_late_is_a_one_in_that_month_alone() -> None:
    assert written(bill("2026-02-10", "2026-02-15"), *on_time(3, 4, 5, 6)) == "*1NNNN"


def test_thirty_one_days_late_is_a_two_in_the_next_month() -> None:
    """10 March to 10 April are 31 days: 21 of them on 31 March."""
    marks = month_marks(
        opened_on=OPENED, closed_on=None, bills=[*on_time(2), bill("2026-03-10", "2026-04-10")], as_of=date(2026, 4, 20)
    )
    assert marks == (
        MonthMark(2026, 1, "*"),
        MonthMark(2026, 2, "N"),
        MonthMark(2026, 3, "1", 21),
        MonthMark(2026, 4, "2", 31),
    )
    assert [month.is_adverse for month in marks] == [False, False, True, True]


def test_paid_on_the_day_after_the_month_ended() -> None:
    """Due on 31 January, paid on 1 February: late on 1 February only."""
    assert written(bill("2026-01-31", "2026-02-01"), *on_time(3, 4, 5, 6)) == "N1NNNN"


def test_the_oldest_open_bill_gives_the_mark() -> None:
    """Nothing was paid since February: 18, 49, 79, 110 and on 20 June 130 days past due."""
    open_bills = [bill(f"2026-0{month}-10") for month in (2, 3, 4, 5, 6)]
    assert written(*open_bills) == "*12345"


def test_more_than_180_days_stay_a_seven() -> None:
    """Due on 1 December, never paid: 30, 61, 89, 120, 150, 181 and on 20 June 201 days."""
    assert written(bill("2025-12-01"), opened_on=date(2025, 12, 1)) == "1334577"


def test_a_closed_loan_ends_with_a_c() -> None:
    """Whatever is asked for later: no mark comes after."""
    assert written(*on_time(2, 3), closed_on=date(2026, 3, 10)) == "*NC"
    assert written(*on_time(2, 3), closed_on=date(2026, 7, 1)) == "*NN***"


def test_a_month_between_two_bills_has_nothing_to_pay() -> None:
    """A loan with a bill a quarter."""
    assert written(*on_time(2, 5)) == "*N**N*"


def test_this_month_has_no_mark_while_its_bill_may_still_be_paid() -> None:
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-25")) == "*NNNN"
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-20")) == "*NNNN"
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-19")) == "*NNNN1"
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-25", "2026-06-18")) == "*NNNNN"


def test_what_is_paid_later_than_the_day_asked_about_was_open_then() -> None:
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-10", "2026-08-01")) == "*NNNN1"
    assert written(*on_time(2, 3, 4, 5), bill("2026-06-25", "2026-07-01")) == "*NNNN"


def test_days_within_the_grace_do_not_count_and_those_beyond_count_from_the_first() -> None:
    """Three days of grace: paid on the third is in time, on the fourth four days late."""
    assert written(bill("2026-02-10", "2026-02-13"), *on_time(3, 4, 5, 6), grace_days=3) == "*NNNNN"
    marks = month_marks(
        opened_on=OPENED,
        closed_on=None,
        bills=[bill("2026-02-10", "2026-02-14")],
        as_of=date(2026, 2, 28),
        grace_days=3,
    )
    assert marks[-1] == MonthMark(2026, 2, "1", 4)


def test_a_loan_before_its_first_day_has_no_record() -> None:
    assert written(opened_on=date(2026, 7, 1)) == ""
    assert written(opened_on=date(2026, 6, 21)) == ""
    assert written(opened_on=AS_OF) == "*"


def test_lapses_end_when_nothing_is_late_any_more() -> None:
    """The March bill was missed before February's was paid: one lapse. May's is one of its own, June's lasts."""
    bills = [
        bill("2026-02-10", "2026-03-15"),
        bill("2026-03-10", "2026-03-20"),
        *on_time(4),
        bill("2026-05-10", "2026-05-12"),
        bill("2026-06-10"),
    ]
    assert lapses(bills, AS_OF) == (
        Lapse(date(2026, 2, 10), date(2026, 3, 20), 33),
        Lapse(date(2026, 5, 10), date(2026, 5, 12), 2),
        Lapse(date(2026, 6, 10), None, 10),
    )
    assert [lapse.mark for lapse in lapses(bills, AS_OF)] == ["2", "1", "1"]


def test_a_bill_missed_on_the_day_the_last_was_paid_is_another_lapse() -> None:
    assert lapses([bill("2026-02-10", "2026-03-10"), bill("2026-03-10", "2026-03-11")], AS_OF) == (
        Lapse(date(2026, 2, 10), date(2026, 3, 10), 28),
        Lapse(date(2026, 3, 10), date(2026, 3, 11), 1),
    )


def test_an_open_bill_keeps_a_lapse_open() -> None:
    assert lapses([bill("2026-02-10"), bill("2026-03-10", "2026-03-11")], AS_OF) == (
        Lapse(date(2026, 2, 10), None, 130),
    )
    assert lapses([bill("2026-02-10", "2026-03-20"), bill("2026-03-10")], AS_OF) == (
        Lapse(date(2026, 2, 10), None, 102),
    )


def test_what_stays_within_the_grace_is_no_lapse() -> None:
    assert lapses([bill("2026-02-10", "2026-02-13")], AS_OF, grace_days=3) == ()
    assert lapses([bill("2026-02-10", "2026-02-14")], AS_OF, grace_days=3) == (
        Lapse(date(2026, 2, 10), date(2026, 2, 14), 4),
    )


def test_when_a_mark_ages_out() -> None:
    """China: five years after it ended. United States: seven after it was missed. A leap day falls back to the 28th."""
    lapse = Lapse(date(2026, 2, 10), date(2026, 3, 20), 38)
    assert ages_out_on(lapse, AgingRule()) == date(2031, 3, 20)
    assert ages_out_on(lapse, AgingRule(7, CountsFrom.START)) == date(2033, 2, 10)
    assert ages_out_on(Lapse(date(2028, 2, 1), date(2028, 2, 29), 28), AgingRule()) == date(2033, 2, 28)


def test_while_it_lasts_its_years_have_not_begun() -> None:
    lasting = Lapse(date(2026, 2, 10), None, 130)
    assert ages_out_on(lasting, AgingRule()) is None
    assert ages_out_on(lasting, AgingRule(6, CountsFrom.START)) == date(2032, 2, 10)
