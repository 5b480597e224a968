"""Recording a repayment: what it will do before it is saved, what it did after, and what is refused."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from ledger.forms.paying import PayingForm
from ledger.forms.repayment import RepaymentForm
from ledger.forms.statement import StatementForm
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import Parts
from ledger.loanmath.terms import PrepaymentFee
from ledger.models import AccountEntry, Allocation, Bill, Fact, Loan, Repayment, Role
from ledger.selectors.preview import Paid
from ledger.services.recording import Recorded
from ledger.services.repayments import record_repayment
from tests import builders as make

pytestmark = [pytest.mark.django_db, pytest.mark.service]

KEY = "0123456789abcdef"
TODAY = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # 12:00 on 10 March in Shanghai: bill 2 is due, bill 1 is late
BILL = 106_619
TOO_MUCH = (
    "¥12,230.54 settles the whole loan on this day. Correct the amount, settle the loan with that, "
    "or keep the rest as credit."
)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def loan(home):
    return make.loan(home, now=TODAY)


def url(loan, query=""):
    return reverse("ledger:record_repayment", args=[loan.pk]) + query


def said(loan, **more):
    loan.refresh_from_db()
    return {
        "key": KEY,
        "seen": str(loan.version),
        "amount": "1,066.19",
        "paid_on": "2026-03-10",
        "apply_to": "due",
        "bill": "",
        "account": "",
        "note": "",
    } | more


def send(client, loan, **more):
    return client.post(url(loan), said(loan, **more))


def look(client, loan, **more):
    """The preview, as htmx asks for it."""
    return client.post(url(loan), said(loan, **more), headers={"HX-Request": "true", "HX-Target": "preview"})


def errors(response):
    return {name: list(texts) for name, texts in response.context["form"].errors.items()}


def messages(response):
    return [str(message) for message in response.wsgi_request._messages]


def test_a_repayment_is_recorded_and_the_answer_says_where_it_went(client, owner, loan):
    response = send(client, loan, note="by phone")
    assert (response.status_code, response["Location"]) == (302, reverse("ledger:loan", args=[loan.pk]))
    fact = Repayment.objects.get()
    assert (fact.amount, fact.effective_on, fact.apply_to, fact.note, fact.recorded_by) == (
        BILL,
        date(2026, 3, 10),
        "due",
        "by phone",
        owner,
    )
    assert [(row.bill.number, row.parts) for row in Allocation.objects.select_related("bill")] == [
        (1, Parts(principal=94_619, interest=12_000))
    ]
    assert messages(response) == ["¥1,066.19 is recorded. ¥1,066.19 went to bill 1, now paid."]


def test_the_message_leads_to_undoing_it_but_not_where_nothing_new_was_recorded(client, loan):
    page = client.get(send(client, loan, key="one-key-for-both")["Location"]).content.decode()
    undo = reverse("ledger:reverse_fact", args=[loan.pk, Repayment.objects.get().pk])
    again = client.get(send(client, loan, key="one-key-for-both")["Location"]).content.decode()
    link = f'<a class="btn btn-quiet btn-small" href="{undo}">Undo</a><button'
    assert [link in page, link in again] == [True, False]
    assert "was already recorded" in again


def test_what_few_payments_are_for_waits_behind_a_summary(client, loan):
    closed, opened = client.get(url(loan)).content.decode(), client.get(url(loan, "?apply_to=hold")).content.decode()
    assert [page.count('name="apply_to"') for page in (closed, opened)] == [8, 8]
    assert [
        '<details class="more"><summary>Other ways' in closed,
        '<details class="more" open><summary>Other ways' in opened,
    ] == [
        True,
        True,
    ]


def test_a_part_of_a_bill_says_what_is_left(client, loan):
    response = send(client, loan, amount="400")
    assert messages(response) == ["¥400.00 is recorded. ¥400.00 went to bill 1, which has ¥666.19 left."]


def test_the_same_form_twice_is_one_repayment_with_one_answer(client, loan):
    form = said(loan)
    first, second = client.post(url(loan), form), client.post(url(loan), form)
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert Repayment.objects.count() == 1
    assert messages(second)[-1].startswith("This repayment of ¥1,066.19 was already recorded.")


def test_a_form_sent_again_with_another_amount_is_refused_and_keeps_what_was_typed(client, loan):
    form = said(loan)
    client.post(url(loan), form)
    response = client.post(url(loan), form | {"amount": "5"})
    assert (response.status_code, Repayment.objects.count()) == (409, 1)
    shown = response.context["form"]
    assert (shown["amount"].value(), shown["key"].value() == KEY) == ("5", False)


def test_figures_that_moved_on_are_shown_anew_with_what_was_typed(client, loan):
    form = said(loan, amount="500")
    make.repayment(loan, 100_000, date(2026, 3, 1), TODAY)
    response = client.post(url(loan), form)
    assert response.status_code == 409
    shown = response.context["form"]
    loan.refresh_from_db()
    assert (shown["amount"].value(), shown["seen"].value()) == ("500", loan.version)
    assert errors(response) == {
        "__all__": ["The figures have changed since you saw them. Please look again and confirm."]
    }
    assert Repayment.objects.count() == 1
    assert client.post(url(loan), form | {"seen": str(loan.version)}).status_code == 302


def test_the_form_proposes_what_is_due_and_shows_what_it_pays(client, loan):
    response = client.get(url(loan))
    form, change = response.context["form"], response.context["change"]
    assert (form["amount"].value(), form["apply_to"].value()) == ("2132.38", "due")
    assert [(paid.number, paid.parts.total, paid.open_after) for paid in change.paid] == [(1, BILL, 0), (2, BILL, 0)]
    assert Repayment.objects.count() == 0


def test_a_bill_in_the_link_is_filled_in(client, loan):
    form = client.get(url(loan, "?bill=3")).context["form"]
    assert (form["amount"].value(), form["apply_to"].value(), form["bill"].value()) == ("1066.19", "bill", 3)


def test_a_suggestion_in_the_link_is_filled_in(client, loan):
    form = client.get(url(loan, "?suggest=payoff")).context["form"]
    assert (form["amount"].value(), form["apply_to"].value()) == ("12230.54", "payoff")


def test_an_amount_in_the_link_is_filled_in(client, loan):
    form = client.get(url(loan, "?amount=12.5&apply_to=lower")).context["form"]
    assert (form["amount"].value(), form["apply_to"].value()) == ("12.50", "lower")


@pytest.mark.parametrize("query", ["?bill=99999999999999999999", "?bill=x&amount=NaN&apply_to=x&suggest=%00"])
def test_nonsense_in_the_link_is_passed_over(client, loan, query):
    assert client.get(url(loan, query)).context["form"]["amount"].value() == "2132.38"


def test_what_can_be_paid_is_offered_with_its_amount(client, loan):
    offered = client.get(url(loan)).context["suggestions"]
    assert [(one.code, one.amount, one.apply_to, one.bill) for one in offered] == [
        ("due", 2 * BILL, ApplyTo.DUE, None),
        ("next", BILL, ApplyTo.BILL, 3),
        ("payoff", 1_223_054, ApplyTo.PAYOFF, None),
    ]


def test_taking_a_suggestion_fills_the_amount_and_keeps_the_rest(client, loan):
    response = send(client, loan, suggest="payoff", amount="", note="all of it", paid_on="2026-03-11")
    form = response.context["form"]
    assert (response.status_code, Repayment.objects.count()) == (200, 0)
    assert (form["apply_to"].value(), form["note"].value(), form["paid_on"].value()) == (
        "payoff",
        "all of it",
        "2026-03-11",
    )
    assert response.context["change"].settles


def test_the_preview_is_one_piece_and_writes_nothing(client, loan):
    response = look(client, loan)
    assert response.templates[0].name == "ledger/_repayment_preview.html"
    assert Repayment.objects.count() == 0
    change = response.context["change"]
    assert change.paid == (Paid(1, date(2026, 2, 10), Parts(principal=94_619, interest=12_000), 0),)
    assert (change.left, change.saves, change.dropped, change.moved) == (1_105_381, 0, 0, ())


def test_the_preview_agrees_with_what_is_recorded(client, loan):
    form = {"amount": "5,000", "apply_to": "shorten"}
    change = look(client, loan, **form).context["change"]
    send(client, loan, **form)
    loan.refresh_from_db()
    recorded = Repayment.objects.get()
    met = Allocation.objects.filter(repayment=recorded).select_related("bill").order_by("bill__number")
    assert {(paid.number, paid.parts) for paid in change.paid} == {
        (row.bill.number if row.bill else None, row.parts) for row in met
    }
    assert change.left == loan.outstanding_principal
    assert change.dropped == Bill.objects.filter(loan=loan, is_needed=False).count()
    assert change.ends_after == Bill.objects.filter(loan=loan, is_needed=True).latest("due_on").due_on


def test_prepaying_shows_what_it_saves_either_way(client, loan):
    send(client, loan, amount="2,132.38")
    context = look(client, loan, key="another-key", amount="3,000", apply_to="shorten").context
    shorter, lower = context["change"], context["other"]
    context = look(client, loan, key="another-key", amount="3,000", apply_to="lower").context
    assert (context["change"], context["other"]) == (lower, shorter)
    assert shorter.saves > lower.saves > 0
    assert (shorter.new_payment, lower.dropped) == (None, 0)
    assert shorter.ends_after < shorter.ends_before
    assert lower.new_payment < BILL
    assert lower.ends_after == lower.ends_before


def test_a_back_dated_repayment_takes_the_late_mark_away(client, loan):
    change = look(client, loan, paid_on="2026-02-10").context["change"]
    assert change.marks_removed == 1
    send(client, loan, paid_on="2026-02-10")
    assert Bill.objects.get(loan=loan, number=1).settled_on == date(2026, 2, 10)


@pytest.mark.parametrize("choice, amount, apply_to", [("payoff", "12230.54", "payoff"), ("credit", "20,000", "hold")])
def test_too_much_leaves_the_choice_to_settle_or_to_hold_the_rest(client, loan, choice, amount, apply_to):
    refused = look(client, loan, amount="20,000")
    assert b'value="payoff"' in refused.content
    assert b'value="credit"' in refused.content
    form = client.post(url(loan), said(loan, amount="20,000", suggest=choice)).context["form"]
    assert (form["amount"].value(), form["apply_to"].value(), form.errors) == (amount, apply_to, {})
    assert Repayment.objects.count() == 0


@pytest.mark.parametrize(
    "agreed, said, text",
    [
        ({"lock_in_months": 6}, {}, "The agreement allows no prepayment before 10 Jul."),
        (
            {"notice_days": 30},
            {"paid_on": "2026-03-20"},
            "The lender wants notice: told now, you may prepay from 9 Apr.",
        ),
        ({"least_amount": 1_000_000}, {}, "The lender takes prepayments of ¥10,000.00 or more."),
        ({"multiple_of": 100_000}, {}, "The lender takes prepayments in multiples of ¥1,000.00."),
    ],
)
def test_a_prepayment_the_lender_does_not_allow_is_warned_of_and_recorded(client, home, agreed, said, text):
    loan = make.loan(home, now=TODAY, prepayment_fee=PrepaymentFee(**agreed))
    said = {"amount": "5,500", "apply_to": "shorten"} | said
    assert text in look(client, loan, **said).content.decode()
    assert text not in look(client, loan, **(said | {"apply_to": "next"})).content.decode()
    assert send(client, loan, **said).status_code == 302


def test_the_minimum_payment_is_suggested_until_it_is_paid(client, home):
    """A tenth of bill 1's principal, 94.62, and its interest, 120.00."""
    loan = make.loan(home, now=TODAY, minimum_share=Decimal("0.1"))
    found = client.get(url(loan)).context["suggestions"]
    assert [(one.code, one.amount) for one in found if one.code == "minimum"] == [("minimum", 21_462)]
    assert "Bill 1 minimum" in client.get(url(loan)).content.decode()
    taken = client.post(url(loan), said(loan, suggest="minimum")).context["form"]
    assert (taken["amount"].value(), taken["apply_to"].value(), taken["bill"].value()) == ("214.62", "bill", "1")
    make.repayment(loan, 21_462, date(2026, 2, 10), TODAY)
    assert "minimum" not in {one.code for one in client.get(url(loan, "?bill=1")).context["suggestions"]}


def test_a_payoff_may_be_of_any_amount(client, home):
    loan = make.loan(home, now=TODAY, prepayment_fee=PrepaymentFee(least_amount=5_000_000))
    change = look(client, loan, amount="12,230.54", apply_to="payoff").context["change"]
    assert (change.settles, change.barred) == (True, None)


def test_what_is_held_stays_credit_until_bills_take_it(client, loan):
    """20,000.00 pays bill 1 on 10 March, on which bill 2 is due as well; the rest waits."""
    change = look(client, loan, amount="20,000", apply_to="hold").context["change"]
    assert (change.credit, change.settles) == (2_000_000 - 2 * BILL, False)
    send(client, loan, amount="20,000", apply_to="hold")
    loan.refresh_from_db()
    assert (loan.credit, loan.settled_on) == (2_000_000 - 2 * BILL, None)


@pytest.mark.parametrize("apply_to, bill", [("next", 3), ("last", 12)])
def test_the_rest_pays_the_next_bills_or_the_last_ones(client, loan, apply_to, bill):
    send(client, loan, amount="2,632.38", apply_to=apply_to)
    paid = {one.number: one.paid.total for one in Bill.objects.filter(loan=loan) if one.paid.total}
    assert paid == {1: BILL, 2: BILL, bill: 50_000}


def test_a_day_to_come_is_planned(client, loan):
    response = look(client, loan, paid_on="2026-03-20")
    assert response.context["planned"]
    recorded = send(client, loan, paid_on="2026-03-20")
    assert messages(recorded)[0].startswith("¥1,066.19 is planned for 20 Mar")
    assert Bill.objects.get(loan=loan, number=1).settled_on is None


def test_the_account_it_was_paid_from_is_debited(client, home, loan):
    card = make.account(home)
    send(client, loan, account=str(card.pk))
    assert list(AccountEntry.objects.values_list("account", "amount", "entry_on")) == [
        (card.pk, -BILL, date(2026, 3, 10))
    ]


def test_only_this_households_accounts_in_the_loans_currency_can_be_chosen(client, home, loan):
    ours = make.account(home)
    dollars = make.account(home, name="Dollars", currency="USD")
    theirs = make.account(make.household())
    choices = client.get(url(loan)).context["form"].fields["account"].queryset
    assert list(choices) == [ours]
    for other in (dollars, theirs):
        response = send(client, loan, account=str(other.pk))
        assert (response.status_code, list(errors(response))) == (422, ["account"])
    assert Repayment.objects.count() == 0


@pytest.mark.parametrize(
    "changes, field, text",
    [
        ({"amount": "-5"}, "amount", "Enter an amount without a minus sign."),
        ({"amount": "9" * 5000}, "amount", "This amount is too large to be real. Check the number of digits."),
        ({"amount": "NaN"}, "amount", "Enter an amount in figures, such as 1234.50."),
        ({"amount": "0"}, "amount", "Enter an amount above zero."),
        ({"amount": "20,000"}, "amount", TOO_MUCH),
        (
            {"amount": "100", "apply_to": "payoff"},
            "amount",
            "Settling the loan on this day takes ¥12,230.54. Enter that amount.",
        ),
        (
            {"amount": "2,000", "apply_to": "bill", "bill": "3"},
            "amount",
            "This bill has ¥1,066.19 left to pay. Enter at most that.",
        ),
        ({"paid_on": "9999-01-01"}, "paid_on", "Enter a day between the years 1970 and 2100."),
        (
            {"paid_on": "2026-01-09"},
            "paid_on",
            "The loan was only paid out later. Choose that day or a later one.",
        ),
        ({"paid_on": "2028-01-01"}, "paid_on", "Choose a day within the next year."),
        ({"paid_on": "2026-02-30"}, "paid_on", "Enter a day that exists, such as 2026-03-31."),
        ({"apply_to": "bill"}, "bill", "Choose which bill it pays."),
        ({"apply_to": "bill", "bill": "99"}, "bill", "Choose one of this loan’s bills."),
        ({"note": "x" * 201}, "note", "Ensure this value has at most 200 characters (it has 201)."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(client, loan, changes, field, text):
    response = send(client, loan, **changes)
    assert (response.status_code, errors(response)) == (422, {field: [text]})
    form = response.context["form"]
    assert {name: form[name].value() for name in changes} == changes
    assert form["key"].value() == KEY
    assert Repayment.objects.count() == 0


@pytest.mark.parametrize("amount", ["20,000", "9" * 5000, "NaN"])
def test_the_preview_says_in_words_what_is_wrong(client, loan, amount):
    response = look(client, loan, amount=amount)
    assert response.status_code == 200
    assert response.context["change"] is None


def test_exactly_the_payoff_settles_the_loan(client, loan):
    response = send(client, loan, amount="12,230.54", apply_to="payoff")
    loan.refresh_from_db()
    assert response.status_code == 302
    assert (loan.settled_on, loan.outstanding_principal, loan.credit) == (date(2026, 3, 10), 0, 0)


def test_a_settled_loan_offers_nothing_and_takes_nothing(client, loan):
    send(client, loan, amount="12,230.54", apply_to="payoff")
    response = client.get(url(loan))
    assert (response.status_code, response.context["suggestions"]) == (200, [])
    assert send(client, loan, key="another-key", amount="1").status_code == 422


def test_the_page_costs_the_same_queries_with_one_bill_and_with_many(client, home, django_assert_num_queries):
    one = make.loan(home, now=TODAY, count=1)
    three = make.loan(home, now=TODAY, count=3)
    for loan in (one, three):
        with django_assert_num_queries(10):
            client.get(url(loan))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_opens_in_both_languages(client, owner, loan, language):
    owner.language = language
    owner.save()
    assert client.get(url(loan)).status_code == 200


def test_a_strangers_loan_is_not_there(client, owner):
    theirs = make.loan()
    assert client.get(url(theirs)).status_code == 404
    assert send(client, theirs).status_code == 404
    assert Fact.objects.count() == 0
    assert client.get("/loans/99999999999999999999999/repayments/new/").status_code == 404


def test_a_viewer_may_not_record(client, home, loan):
    client.force_login(make.member(home, Role.VIEWER))
    assert (client.get(url(loan)).status_code, send(client, loan).status_code) == (403, 403)
    assert Fact.objects.count() == 0


def test_who_is_not_signed_in_is_asked_to(visitor):
    loan = make.loan(now=TODAY)
    response = visitor.get(url(loan))
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={url(loan)}")


def test_what_was_paid_meanwhile_is_not_proposed_again(client, loan):
    paid = record_repayment(loan=loan, amount=2 * BILL, paid_on=date(2026, 3, 10), recording=make.recording(TODAY))
    assert isinstance(paid, Recorded)
    form = client.get(url(Loan.objects.get())).context["form"]
    assert (form["amount"].value(), form["apply_to"].value(), form["bill"].value()) == ("1066.19", "bill", 3)


def test_it_asks_as_a_statement_does_on_which_day_and_from_where():
    shared = ("paid_on", "account", "note")
    asked = [PayingForm.base_fields[name] for name in shared]
    assert [RepaymentForm.base_fields[name] for name in shared] == asked
    assert [StatementForm.base_fields[name] for name in shared] == asked


def test_what_is_asked_stands_in_its_order(home, loan, client):
    fields = [field.name for field in client.get(url(loan)).context["form"].visible_fields()]
    assert fields == ["amount", "paid_on", "apply_to", "bill", "account", "note"]
