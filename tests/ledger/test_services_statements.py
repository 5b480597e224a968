"""Repaying a statement: all of it, the minimum or chosen bills, once, over several loans, all of them or none."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.models import AccountEntry, Bill, Deferral, Fact, Loan
from ledger.selectors.statement import Pays
from ledger.selectors.statements import figures_seen
from ledger.services.changes import record_change
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.repayments import record_repayment
from ledger.services.reversals import reverse_fact
from ledger.services.statements import Asked, StatementRepaid, line_field, repay_statement
from tests import builders as make
from tests.builders import at

pytestmark = [pytest.mark.django_db, pytest.mark.service]

BILL = 106_619  # 12,000.00 at 1 % a month over 12 months
MAR_10 = date(2026, 3, 10)
NOW = at("2026-03-10")


@pytest.fixture
def home():
    return make.household()


@pytest.fixture
def laptop(home):
    return make.loan(home, now=NOW)


@pytest.fixture
def chair(home):
    return make.loan(home, now=NOW, name="Chair")


def bill_of(loan, number=2):
    return Bill.objects.get(loan=loan, number=number)


def repay(loan, pays=Pays.ALL, chosen=None, paid_on=MAR_10, recording=None, **more):
    asked = Asked(
        lender=loan.lender,
        payable_on=MAR_10,
        currency=more.pop("currency", "CNY"),
        pays=pays,
        paid_on=paid_on,
        chosen=chosen or {},
        **more,
    )
    return repay_statement(asked=asked, recording=recording or make.recording(NOW))


def said(facts):
    return [(fact.loan_id, fact.bill_number, fact.amount, fact.effective_on, fact.apply_to) for fact in facts]


def refusal(result):
    assert isinstance(result, Refusal), result
    return result.code, result.field


def test_all_of_it_is_one_repayment_for_each_bill(laptop, chair):
    repaid = repay(laptop)
    assert said(repaid.facts) == [(laptop.pk, 2, BILL, MAR_10, "bill"), (chair.pk, 2, BILL, MAR_10, "bill")]
    assert said(Fact.objects.order_by("pk")) == said(repaid.facts)
    assert {bill_of(loan).settled_on for loan in (laptop, chair)} == {MAR_10}
    assert {bill_of(loan, 1).settled_on for loan in (laptop, chair)} == {None}  # each is for its bill alone


def test_what_is_paid_already_is_left_out(laptop, chair):
    make.repayment(laptop, 2 * BILL, MAR_10, NOW)
    make.repayment(chair, BILL + 6_619, MAR_10, NOW)
    assert said(repay(laptop).facts) == [(chair.pk, 2, 100_000, MAR_10, "bill")]


def test_the_minimum_is_what_is_left_of_each_bills_own(home):
    """A tenth of bill 2's principal, 955.65, and its interest, 110.54; the chair's agreement names no minimum."""
    card = make.loan(home, now=NOW, name="Card", minimum_share=Decimal("0.1"))
    chair = make.loan(home, now=NOW, name="Chair")
    repaid = repay(card, Pays.MINIMUM)
    assert said(repaid.facts) == [(card.pk, 2, 20_611, MAR_10, "bill"), (chair.pk, 2, BILL, MAR_10, "bill")]
    assert refusal(repay(card, Pays.MINIMUM)) == ("nothing_to_pay", "")


def test_chosen_bills_are_paid_with_what_was_typed(laptop, chair):
    repaid = repay(laptop, Pays.CHOSEN, {bill_of(chair).pk: 5_000})
    assert said(repaid.facts) == [(chair.pk, 2, 5_000, MAR_10, "bill")]


def test_each_repayment_is_taken_from_the_account(home, laptop, chair):
    card = make.account(home)
    repay(laptop, account=card, note="in the app")
    entries = list(AccountEntry.objects.order_by("pk").values_list("account", "amount", "entry_on"))
    assert entries == [(card.pk, -BILL, MAR_10)] * 2
    assert set(Fact.objects.values_list("note", flat=True)) == {"in the app"}


def test_currencies_never_meet(home, laptop):
    yen = make.loan(home, now=NOW, name="Camera", currency="JPY")
    assert {fact.loan_id for fact in repay(laptop, currency="JPY").facts} == {yen.pk}


class TestOnce:
    def test_the_same_again_returns_the_first_facts(self, laptop, chair):
        recording = make.recording(NOW, seen=figures_seen([laptop, chair]))
        first = repay(laptop, recording=recording)
        again = repay(laptop, recording=recording)
        assert isinstance(again, StatementRepaid)
        assert (said(again.facts), again.replayed) == (said(first.facts), True)
        assert Fact.objects.count() == 2

    @pytest.mark.parametrize(
        "other",
        [{"paid_on": date(2026, 3, 9)}, {"note": "other"}, {"pays": Pays.MINIMUM}, {"pays": Pays.CHOSEN}],
    )
    def test_other_content_under_the_same_key_is_refused(self, laptop, chair, other):
        recording = make.recording(NOW)
        repay(laptop, recording=recording)
        if other.get("pays") is Pays.CHOSEN:
            other = other | {"chosen": {bill_of(laptop).pk: BILL}}
        assert refusal(repay(laptop, recording=recording, **other)) == ("key_conflict", "")
        assert Fact.objects.count() == 2

    def test_fewer_bills_under_the_same_key_are_other_content(self, laptop, chair):
        recording = make.recording(NOW)
        both = {bill_of(laptop).pk: 5_000, bill_of(chair).pk: 5_000}
        repay(laptop, Pays.CHOSEN, both, recording=recording)
        less = {bill_of(laptop).pk: 5_000}
        assert refusal(repay(laptop, Pays.CHOSEN, less, recording=recording)) == ("key_conflict", "")

    def test_a_key_used_for_something_else_is_refused(self, laptop, chair):
        recording = make.recording(NOW)
        record_repayment(loan=chair, amount=100, paid_on=MAR_10, recording=recording)
        assert refusal(repay(laptop, recording=recording)) == ("key_conflict", "")
        assert Fact.objects.count() == 1

    def test_a_key_of_a_statement_serves_no_other_form(self, laptop, chair):
        recording = make.recording(NOW)
        repay(laptop, recording=recording)
        assert refusal(record_repayment(loan=laptop, amount=BILL, paid_on=MAR_10, recording=recording)) == (
            "key_conflict",
            "",
        )


class TestAllOrNothing:
    def test_a_bill_paid_too_much_keeps_all_of_them_from_being_recorded(self, laptop, chair):
        chosen = {bill_of(laptop).pk: 100, bill_of(chair).pk: BILL + 1}
        refused = repay(laptop, Pays.CHOSEN, chosen)
        assert refusal(refused) == ("above_bill", line_field(bill_of(chair).pk))
        assert str(refused) == "This bill has ¥1,066.19 left to pay. Enter at most that."
        assert Fact.objects.count() == 0
        assert {loan.version for loan in Loan.objects.all()} == {laptop.version, chair.version}

    def test_a_day_before_one_of_the_loans_was_paid_out_is_refused_at_its_bill(self, home, laptop):
        late = make.loan(home, now=NOW, name="Bed", disbursed_on=date(2026, 2, 20), first_due_on=MAR_10)
        refused = repay(laptop, paid_on=date(2026, 2, 15))
        assert refusal(refused) == ("before_disbursement", line_field(bill_of(late, 1).pk))
        assert Fact.objects.count() == 0

    @pytest.mark.parametrize(
        "more, answer",
        [
            ({"paid_on": date(2027, 3, 12)}, ("too_far_ahead", "paid_on")),
            ({"currency": "USD"}, ("nothing_to_pay", "")),
        ],
    )
    def test_what_is_wrong_with_the_whole_is_said_of_the_whole(self, laptop, chair, more, answer):
        assert refusal(repay(laptop, **more)) == answer
        assert Fact.objects.count() == 0

    def test_accounts_of_others_or_in_another_currency_are_refused(self, home, laptop):
        dollars = make.account(home, currency="USD")
        theirs = make.account(make.household())
        assert refusal(repay(laptop, account=dollars)) == ("currency", "account")
        assert refusal(repay(laptop, account=theirs)) == ("no_such_account", "account")
        assert AccountEntry.objects.count() == 0

    def test_only_bills_of_the_statement_can_be_chosen(self, laptop, chair):
        stranger = make.loan(now=NOW)
        for bill in (bill_of(laptop, 3), bill_of(stranger)):
            assert refusal(repay(laptop, Pays.CHOSEN, {bill.pk: 100})) == ("no_such_bill", "")
        assert Fact.objects.count() == 0


def test_figures_that_have_moved_on_are_refused(laptop, chair):
    seen = figures_seen([laptop, chair])
    make.repayment(chair, 100, MAR_10, NOW)
    assert refusal(repay(laptop, recording=make.recording(NOW, seen=seen))) == ("stale", "")
    assert Fact.objects.count() == 1


def test_a_day_to_come_is_planned(laptop, chair):
    repay(laptop, paid_on=date(2026, 3, 20))
    assert {bill_of(loan).paid.total for loan in (laptop, chair)} == {0}
    assert Fact.objects.count() == 2


def test_undoing_each_part_leaves_everything_as_it_was(laptop, chair):
    before = list(Bill.objects.order_by("pk").values())
    for fact in repay(laptop).facts:
        assert isinstance(reverse_fact(fact=fact, recording=make.recording(NOW)), Recorded)
    assert list(Bill.objects.order_by("pk").values()) == before


def test_undoing_one_part_leaves_the_other(laptop, chair):
    first, _second = repay(laptop).facts
    reverse_fact(fact=first, recording=make.recording(NOW))
    assert (bill_of(laptop).settled_on, bill_of(chair).settled_on) == (None, MAR_10)


def test_two_bills_of_one_loan_on_one_day_are_each_repaid(home):
    """Bill 1 is put off to the day of bill 2."""
    loan = make.loan(home, now=at("2026-01-20"))
    draft = Deferral(loan=loan, effective_on=date(2026, 1, 20), bill_number=1, moved_to=MAR_10, effect="move")
    assert isinstance(record_change(draft=draft, recording=make.recording(at("2026-01-20"))), Recorded)
    repaid = repay(loan)
    assert [(fact.bill_number, fact.amount) for fact in repaid.facts] == [(1, BILL), (2, BILL)]
