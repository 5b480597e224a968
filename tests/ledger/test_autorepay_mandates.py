"""Which loans a mandate covers, and when it rests, ends, is trusted or asks."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.loanmath.debits import DebitRule
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import AutoRepayMandate, Bill, Confirmation, CreditLine, Fact, FundingAccount, Loan, Repayment
from ledger.models.autorepay import Reason
from ledger.models.facts import Kind
from ledger.selectors.accounts import coverage
from ledger.services import autorepay, debit_chunks
from ledger.services.answering import say_it_failed, say_it_was_debited
from ledger.services.debit_chunks import debit_due
from ledger.services.loans import open_loan
from ledger.services.mandates import Wishes, authorize_mandate, end_mandate, keep_mandate, pause_mandate, resume_mandate
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.builders import at
from tests.ledger.debits import INSTALLMENT, JAN_20, attempts, authorize, mandate, next_debit, repayments

pytestmark = [pytest.mark.django_db, pytest.mark.service]

FEB_1 = date(2026, 2, 1)


def held_by(loan):
    return Loan.objects.get(pk=loan.pk).mandate


def outcomes(loan):
    return [row[2:4] for row in attempts(loan)]


# --- Scopes


def test_a_lenders_mandate_covers_its_loans_and_those_opened_later_in_its_currency(home, card):
    before = make.loan(home, now=JAN_20, name="Before")
    given = authorize(before.lender, [card])
    after = make.loan(home, now=at("2026-01-25"), name="After")
    dollars = make.loan(home, now=at("2026-01-25"), name="Dollars", currency="USD")
    make.balance(card, 500_000, FEB_1, at("2026-02-01"))

    debit_due(at("2026-02-10", 10))

    assert [held_by(loan) for loan in (before, after, dollars)] == [given, given, None]
    assert [outcomes(loan) for loan in (before, after, dollars)] == [
        [("02-10 09:30", "success")],
        [("02-10 09:30", "success")],
        [],
    ]


def test_an_account_put_away_meanwhile_is_not_debited(home, card):
    loan = make.loan(home, now=JAN_20)
    FundingAccount.objects.filter(pk=card.pk).update(archived_at=JAN_20)  # `card` as read does not know

    refused = authorize_mandate(scope=loan, sources=[card], recording=make.recording(JAN_20))

    assert (refused.code, held_by(loan)) == ("account", None)


def test_the_narrowest_mandate_holds_and_its_end_falls_back_to_the_wider(home, card):
    first = make.loan(home, now=JAN_20)
    line = CreditLine.objects.create(household=home, lender=first.lender, name="Line", currency="CNY", limit=5_000_000)
    draw = open_loan(
        household=home,
        lender_name=first.lender.name,
        name="Draw",
        terms=make.terms(),
        key="draw",
        now=JAN_20,
        credit_line=line,
    ).loan
    wide = authorize(draw.lender, [card], windows=("10:00",))
    assert held_by(draw) == wide
    middle = authorize(line, [card], windows=("11:00",))
    own = authorize(draw, [card], windows=("12:00",))
    assert (held_by(draw), held_by(first), next_debit(draw)) == (own, wide, "02-10 12:00")

    end_mandate(scope=draw, recording=make.recording(at("2026-02-01")))
    assert (held_by(draw), next_debit(draw)) == (middle, "02-10 11:00")
    end_mandate(scope=line, recording=make.recording(at("2026-02-01")))
    assert (held_by(draw), next_debit(draw)) == (wide, "02-10 10:00")
    end_mandate(scope=draw.lender, currency="CNY", recording=make.recording(at("2026-02-01")))
    assert (held_by(draw), next_debit(draw)) == (None, None)


def test_windows_of_the_wider_mandate_before_the_narrower_ended_are_not_caught_up(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan.lender, [card], rule=DebitRule(("09:30",), daily=True))
    authorize(loan, [card], rule=DebitRule(("09:30",), retry_days=()))
    make.balance(card, 0, FEB_1, at("2026-02-01"))
    debit_due(at("2026-02-10", 10))
    make.balance(card, 500_000, date(2026, 2, 12), at("2026-02-12"))

    end_mandate(scope=loan, recording=make.recording(at("2026-02-14", 12)))

    assert next_debit(loan) == "02-15 09:30"
    (cover,) = [cover for cover in coverage(home, date(2026, 2, 14)).values() if cover.number == 1]
    assert cover.debit_on == date(2026, 2, 15)
    debit_due(at("2026-02-15", 10))
    assert outcomes(loan) == [("02-10 09:30", "insufficient"), ("02-15 09:30", "success")]


def test_a_loan_entered_late_keeps_its_old_bills_by_hand(home, card):
    authorize(make.loan(home, now=JAN_20, name="Other").lender, [card], rule=DebitRule(daily=True))
    make.balance(card, 900_000, date(2026, 2, 12), at("2026-02-12"))
    late = make.loan(home, now=at("2026-02-12"), name="Entered late")

    assert next_debit(late) == "03-10 09:30"
    debit_due(at("2026-02-16"))
    assert attempts(late) == []
    listed = {(cover.loan_name, cover.number) for cover in coverage(home, date(2026, 2, 13), days=20).values()}
    assert ("Entered late", 1) not in listed


def test_one_loan_with_bad_data_under_a_lenders_mandate_is_put_aside_and_heals(home, card, caplog):
    bad, good = make.loan(home, now=JAN_20, name="Bad"), make.loan(home, now=JAN_20, name="Good")
    authorize(bad.lender, [card])
    make.balance(card, 500_000, FEB_1, at("2026-02-01"))
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*args, **kwargs):
            raise ValueError("no such terms")

        real = autorepay.due_debits
        patch.setattr(debit_chunks, "_debit_together", refuse)
        patch.setattr(autorepay, "due_debits", lambda loans, now: refuse() if bad in loans else real(loans, now))
        debit_due(at("2026-02-10", 10))

    assert (outcomes(bad), outcomes(good)) == ([], [("02-10 09:30", "success")])
    row = Loan.objects.get(pk=bad.pk)
    assert (row.auto_repay_failures, row.auto_repay_trouble) == (1, "ValueError: no such terms")

    debit_due(at("2026-02-10", 11))
    row.refresh_from_db()
    assert outcomes(bad) == [("02-10 09:30", "success")]
    assert (row.auto_repay_failures, row.auto_repay_trouble) == (0, "")


def test_a_loan_that_was_put_aside_and_has_nothing_left_to_decide_is_healed_too(home, card):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    Loan.objects.filter(pk=loan.pk).update(
        auto_repay_failures=2, auto_repay_trouble="ValueError", auto_repay_at=at("2026-02-01")
    )
    debit_due(at("2026-02-02"))
    row = Loan.objects.get(pk=loan.pk)
    assert (row.auto_repay_failures, row.auto_repay_trouble, next_debit(loan)) == (0, "", "02-10 09:30")


# --- Its end


def test_an_expired_mandate_says_so_once_and_tries_no_later_bill(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], expires_on=date(2026, 3, 1))
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    for day in ("2026-02-10", "2026-03-10", "2026-03-11", "2026-04-10", "2026-05-10"):
        debit_due(at(day, 10))
        debit_due(at(day, 16))

    assert [row[:4] for row in attempts(loan)] == [
        (1, 1, "02-10 09:30", "success"),
        (2, 1, "03-10 09:30", "mandate_expired"),
    ]
    assert next_debit(loan) is None


def test_a_bill_retried_past_the_expiry_says_so_once(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], rule=DebitRule(("09:30", "15:30"), daily=True), expires_on=date(2026, 2, 11))
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    for day in range(10, 16):
        for hour in (10, 16):
            debit_due(at(f"2026-02-{day}", hour))

    assert outcomes(loan) == [
        ("02-10 09:30", "insufficient"),
        ("02-10 15:30", "insufficient"),
        ("02-11 09:30", "insufficient"),
        ("02-11 15:30", "insufficient"),
        ("02-12 09:30", "mandate_expired"),
    ]
    assert next_debit(loan) is None


def test_a_mandate_that_has_expired_already_is_refused_and_the_one_in_force_stays(home, card):
    loan = make.loan(home, now=JAN_20)
    first = mandate(loan, card)
    refused = authorize_mandate(
        scope=loan, sources=[card], recording=make.recording(), wishes=Wishes(expires_on=date(2026, 1, 1))
    )
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("expires_on", "expires_on")
    assert held_by(loan) == first
    assert AutoRepayMandate.objects.live().get() == first


def test_a_mandate_that_has_expired_is_not_on_by_being_saved_again(home, card):
    loan = make.loan(home, now=JAN_20)
    wishes = Wishes(expires_on=date(2026, 2, 1))
    authorize_mandate(scope=loan, sources=[card], recording=make.recording(JAN_20), wishes=wishes)

    refused = authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-02-05")), wishes=wishes)

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("expires_on", "expires_on")


# --- Pauses


def test_windows_that_fall_into_a_pause_are_never_caught_up(home, card):
    loan = make.loan(home, now=JAN_20)
    given = mandate(loan, card)
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-09")))
    assert next_debit(loan) is None
    debit_due(at("2026-02-12"))

    resume_mandate(mandate=given, recording=make.recording(at("2026-02-12", 12)))

    assert next_debit(loan) == "02-12 15:30"
    debit_due(at("2026-02-12", 16))
    assert outcomes(loan) == [("02-12 15:30", "success")]


def test_a_second_pause_does_not_bring_back_the_windows_of_the_first(home, card):
    loan = make.loan(home, now=JAN_20)
    given = authorize(loan, [card], rule=DebitRule(("09:30",), retry_days=()))
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-09")), resumes_on=date(2026, 2, 11))
    debit_due(at("2026-02-12"))
    assert next_debit(loan) == "03-10 09:30"

    pause_mandate(mandate=given, recording=make.recording(at("2026-03-01")), resumes_on=date(2026, 3, 5))

    assert next_debit(loan) == "03-10 09:30"
    debit_due(at("2026-03-02"))
    assert repayments(loan) == []


def test_resuming_after_a_pause_that_ended_by_itself_forgets_nothing_since(home, card):
    loan = make.loan(home, now=JAN_20)
    given = mandate(loan, card)
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-09")), resumes_on=date(2026, 2, 12))

    resume_mandate(mandate=given, recording=make.recording(at("2026-02-14")))

    assert next_debit(loan) == "02-12 09:30"
    given.refresh_from_db()
    assert (given.paused_on, given.resumes_on) == (None, None)


def test_pausing_twice_forgets_nothing_that_came_before_the_pause(home, card):
    loan = make.loan(home, now=JAN_20)
    given = authorize(loan, [card], rule=DebitRule(("09:30",), retry_days=()))
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))

    for _ in range(2):  # no worker has run since before the 10th
        pause_mandate(mandate=given, recording=make.recording(at("2026-02-12")))

    assert next_debit(loan) == "02-10 09:30"
    debit_due(at("2026-02-12"))
    assert repayments(loan) == [(date(2026, 2, 10), INSTALLMENT, "auto", False)]


def test_pausing_again_moves_the_end_of_the_pause(home, card):
    loan = make.loan(home, now=JAN_20)
    given = authorize(loan, [card], rule=DebitRule(("09:30",), retry_days=(1, 2, 3)))
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-09")))

    pause_mandate(mandate=given, recording=make.recording(at("2026-02-11")), resumes_on=date(2026, 2, 12))

    given.refresh_from_db()
    assert (given.paused_on, given.resumes_on) == (date(2026, 2, 9), date(2026, 2, 12))
    assert next_debit(loan) == "02-12 09:30"


def test_a_pause_after_one_that_ended_by_itself_forgets_nothing_between_them(home, card):
    loan = make.loan(home, now=JAN_20)
    given = authorize(loan, [card], rule=DebitRule(("09:30",), retry_days=()))
    make.balance(card, 900_000, FEB_1, at("2026-02-01"))
    pause_mandate(mandate=given, recording=make.recording(at("2026-02-02")), resumes_on=date(2026, 2, 5))

    pause_mandate(mandate=given, recording=make.recording(at("2026-02-12")))  # no worker has run since

    assert next_debit(loan) == "02-10 09:30"


# --- Trust


def trusted(loan):
    return list(Confirmation.objects.filter(loan=loan).values_list("key", "effective_on"))


def test_a_presumed_debit_is_trusted_after_so_many_days_without_an_answer(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], trust_days=3)
    debit_due(at("2026-02-10", 10))
    fact = Repayment.objects.get(loan=loan)
    assert next_debit(loan) == "02-13 00:00"
    debit_due(at("2026-02-12", 23))
    assert trusted(loan) == []

    for _ in range(2):
        debit_due(at("2026-02-13", 1))

    assert trusted(loan) == [(f"trust:{fact.pk}", date(2026, 2, 13))]
    assert Bill.objects.get(loan=loan, number=1).presumed == 0
    assert next_debit(loan) == "03-10 09:30"


def test_who_takes_a_confirmation_back_is_not_overruled_by_trust(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], trust_days=3)
    debit_due(at("2026-02-10", 10))
    said = say_it_was_debited(repayment=Repayment.objects.get(loan=loan), recording=make.recording(at("2026-02-11")))
    reverse_fact(fact=said.fact, recording=make.recording(at("2026-02-12")))

    debit_due(at("2026-02-20"))

    assert len(trusted(loan)) == 1
    assert Bill.objects.get(loan=loan, number=1).presumed == INSTALLMENT


def test_that_it_failed_after_all_stops_trust(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], trust_days=3, rule=DebitRule(("09:30",), retry_days=()))
    debit_due(at("2026-02-10", 10))
    fact = Repayment.objects.get(loan=loan)
    say_it_failed(repayment=fact, reason=Reason.OTHER, recording=make.recording(at("2026-02-12")))

    debit_due(at("2026-02-20"))

    assert trusted(loan) == []
    assert Bill.objects.get(loan=loan, number=1).paid.total == 0


# --- Asking after failures


def fail_on(days, hour=10):
    for day in days:
        debit_due(at(f"2026-02-{day}", hour))


def asked_at(loan):
    moment = held_by(loan).asked_at
    return moment and f"{moment.astimezone(make.SHANGHAI):%m-%d %H}"


def test_after_three_failures_in_a_row_the_user_is_asked_once(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], windows=("09:30",))
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    fail_on((10, 11))
    assert asked_at(loan) is None
    fail_on((12, 13))
    assert asked_at(loan) == "02-12 10"


def test_keeping_the_mandate_counts_failures_anew(home, card):
    loan = make.loan(home, now=JAN_20)
    given = authorize(loan, [card], windows=("09:30",), ask_after=2)
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    fail_on((10, 11))
    keep_mandate(mandate=given, recording=make.recording(at("2026-02-11", 12)))
    assert asked_at(loan) is None
    fail_on((12,))
    assert asked_at(loan) is None
    fail_on((13,))
    assert asked_at(loan) == "02-13 10"


def test_a_success_in_between_begins_the_count_anew(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], windows=("09:30",), ask_after=2)
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    fail_on((10,))
    make.balance(card, INSTALLMENT, date(2026, 2, 11), at("2026-02-11", 8))
    fail_on((11,))
    debit_due(at("2026-03-10", 10))
    assert [row[3] for row in attempts(loan)] == ["insufficient", "success", "insufficient"]
    assert asked_at(loan) is None
    debit_due(at("2026-03-11", 10))
    assert asked_at(loan) == "03-11 10"


def test_a_debit_that_failed_after_all_counts_as_a_failure(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], windows=("09:30",), ask_after=2)
    debit_due(at("2026-02-10", 10))
    fact = Repayment.objects.get(loan=loan)
    say_it_failed(repayment=fact, reason=Reason.OTHER, recording=make.recording(at("2026-02-10", 12)))
    make.balance(card, 0, date(2026, 2, 10), at("2026-02-10", 13))

    fail_on((11,))

    assert asked_at(loan) == "02-11 10"


def test_asking_can_be_switched_off(home, card):
    loan = make.loan(home, now=JAN_20)
    authorize(loan, [card], windows=("09:30",), ask_after=0)
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    fail_on(range(10, 16))
    assert asked_at(loan) is None


# --- It failed after all


def test_failed_after_all_counts_from_the_debit_day_with_penalty_and_can_be_undone(home, card):
    """The principal of bill 1 is 94,619 (106,619 less 12,000 interest); at 18 % over 360 days, five days from the 10th
    to the 15th cost 94,619 x 0.18 / 360 x 5 = 236.5, rounded to 237."""
    loan = make.loan(home, now=JAN_20, penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
    mandate(loan, card)
    debit_due(at("2026-02-10", 10))
    fact = Repayment.objects.get(loan=loan)

    said = say_it_failed(repayment=fact, reason=Reason.INSUFFICIENT, recording=make.recording(at("2026-02-15", 12)))

    bill = Bill.objects.get(loan=loan, number=1)
    assert (said.fact.effective_on, bill.settled_on, bill.penalty_due) == (date(2026, 2, 10), None, 237)
    assert bill.open.total == INSTALLMENT + 237
    assert next_debit(loan) == "02-15 15:30"

    reverse_fact(fact=said.fact, recording=make.recording(at("2026-02-15", 13)))

    bill.refresh_from_db()
    assert (bill.settled_on, bill.penalty_due, bill.presumed) == (date(2026, 2, 10), 0, INSTALLMENT)
    assert next_debit(loan) == "03-10 09:30"


def test_a_debit_that_failed_after_the_lender_gave_up_is_not_forecast(home, card):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    debit_due(at("2026-02-10", 10))
    say_it_failed(
        repayment=Repayment.objects.get(loan=loan),
        reason=Reason.OTHER,
        recording=make.recording(at("2026-02-20", 12)),
    )
    assert next_debit(loan) == "03-10 09:30"
    assert [cover.number for cover in coverage(home, date(2026, 2, 20), days=20).values()] == [2]


def test_tries_of_a_bill_are_numbered_without_gaps_whatever_happens_between(home, card):
    loan = make.loan(home, now=JAN_20)
    mandate(loan, card)
    make.balance(card, 0, date(2026, 2, 9), at("2026-02-09"))
    debit_due(at("2026-02-10", 10))
    authorize(loan, [card], now=at("2026-02-10", 11), windows=("12:00", "18:00"))
    debit_due(at("2026-02-10", 12) + timedelta(minutes=5))
    make.balance(card, 500_000, date(2026, 2, 10), at("2026-02-10", 13))
    debit_due(at("2026-02-10", 19))
    reverse_fact(fact=Repayment.objects.get(loan=loan), recording=make.recording(at("2026-02-10", 20)))
    debit_due(at("2026-02-11", 13))

    assert [row[1] for row in attempts(loan)] == [1, 2, 3, 4]
    assert Fact.objects.filter(loan=loan, kind=Kind.REPAYMENT).count() == 2
