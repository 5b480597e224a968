"""Drawdowns, deferrals, moved due days, pauses, extensions, refunds and coupons: looked at, recorded, undone."""

import re
from datetime import date

import pytest
import time_machine

from ledger.loanmath.money import Parts
from ledger.models import Bill, Fact, Loan
from ledger.selectors.loan import loan_history, loan_page
from ledger.selectors.preview import Moved
from ledger.services.checking import find_problems
from ledger.services.projection import refresh_loan
from ledger.services.reversals import reverse_fact
from tests import builders as make
from tests.ledger.fact_pages import TODAY, errors, look, send, settle, url

pytestmark = [pytest.mark.django_db, pytest.mark.service]

DAY = date(2026, 3, 9)
BILL = 106_619
OWED = 1_105_381  # principal of the bills to come, once bill 1 has repaid 946.19


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def loan(home):
    return make.loan(home, now=TODAY)


def bill(number):
    return Bill.objects.get(number=number)


def change(client, name, loan, query="", **said):
    """What the page shows before anything is saved, and nothing is."""
    shown = look(client, name, loan, query, **said).context["change"]
    assert Fact.objects.count() == 0
    return shown


def test_a_drawdown_raises_the_bills_to_come_and_is_no_cost_itself(client, loan):
    """12,053.81 at 1 % over 11 bills: 1,162.65; but interest to 9 March was counted on 11,053.81."""
    shown = change(client, "record_drawdown", loan, amount="1,000")
    assert (shown.new_payment, shown.costs, shown.ends_sooner) == (116_179, 5_167, False)
    send(client, "record_drawdown", loan, amount="1,000")
    loan.refresh_from_db()
    assert (bill(1).due.total, bill(3).due.total, loan.outstanding_principal) == (BILL, 116_179, 1_300_000)
    assert loan_page(loan, DAY).borrowed == 1_300_000


def test_a_drawdown_opens_a_settled_loan_again(client, loan):
    settle(loan)
    assert loan.settled_on == DAY
    tomorrow = {"amount": "500", "effective_on": "2026-03-10"}
    shown = look(client, "record_drawdown", loan, **tomorrow)
    assert (shown.context["change"].reopens, shown.context["change"].settles) == (True, False)
    assert "The loan is open again." in shown.content.decode()
    send(client, "record_drawdown", loan, **tomorrow)
    refresh_loan(loan, date(2026, 3, 10))
    loan.refresh_from_db()
    assert (loan.settled_on, loan.outstanding_principal) == (None, 50_000)


def test_a_pause_counts_no_interest_for_its_days(client, loan):
    """Bill 2: 11,053.81 x 12 % x 27/365, up to 9 March. Bill 3: a month's interest on 10,085.74, 100.86, less that of
    22 days, 72.95. The payment stays."""
    shown = change(client, "pause_interest", loan, until="2026-03-31")
    assert (shown.saves, shown.new_payment, shown.ends_sooner) == (9351, None, False)
    assert shown.moved == (Moved(12, date(2027, 1, 10), 106_614, 97_263),)
    send(client, "pause_interest", loan, until="2026-03-31")
    assert (bill(2).due, bill(3).due) == (Parts(96_807, 9_812), Parts(103_828, 2_791))


def test_an_extension_spreads_what_is_owed_over_more_bills(client, loan):
    """11,053.81 at 1 % over 17 bills: 710.30."""
    shown = change(client, "extend_loan", loan, count="6")
    assert (shown.new_payment, shown.added, shown.ends_after) == (71_030, 6, date(2027, 7, 10))
    assert shown.costs == 34_696
    send(client, "extend_loan", loan, count="6")
    assert Bill.objects.count() == 18


def test_a_moved_due_day_shows_both_days_and_moves_the_bills_after_it(client, loan):
    shown = change(client, "move_due_date", loan, bill="3", moved_to="2026-04-25")
    assert shown.moved[0] == Moved(3, date(2026, 4, 25), BILL, BILL, date(2026, 4, 10))
    assert (len(shown.moved) + shown.more_moved, shown.ends_after) == (10, date(2027, 1, 25))
    page = look(client, "move_due_date", loan, bill="3", moved_to="2026-04-25").content.decode()
    assert '3 · 25 Apr<br><span class="note">instead of 10 Apr</span>' in page
    send(client, "move_due_date", loan, bill="3", moved_to="2026-04-25")
    assert [(one.due_on, one.deferred_from) for one in Bill.objects.filter(number__in=(2, 3, 4))] == [
        (date(2026, 3, 10), None),
        (date(2026, 4, 25), None),
        (date(2026, 5, 25), None),
    ]


def test_a_due_day_moved_into_the_past_says_which_bill_is_late_then(client, loan):
    said = {"bill": "2", "moved_to": "2026-03-05", "effective_on": "2026-02-11"}
    page = look(client, "move_due_date", loan, **said)
    assert page.context["change"].marks_added == 1
    assert "1 bill counts as late." in page.content.decode()


@pytest.mark.parametrize(
    "effect, moved_to, costs, ends_on",
    [
        ("move", "2026-05-10", 0, date(2027, 1, 10)),
        ("shift", "2026-05-10", 11_043, date(2027, 2, 10)),
        ("capitalize", "2026-05-10", 10_661, date(2027, 2, 10)),
        ("waive", "2026-05-10", 0, date(2027, 2, 10)),
        ("interest_only", "", 4_890, date(2027, 1, 10)),
        ("add_to_end", "", 11_043, date(2027, 2, 10)),
    ],
)
def test_each_way_to_defer_shows_its_cost_and_its_end(client, loan, effect, moved_to, costs, ends_on):
    shown = change(client, "defer_bill", loan, bill="3", effect=effect, moved_to=moved_to)
    assert (shown.costs, shown.saves, shown.ends_after) == (costs, -costs, ends_on)
    assert send(client, "defer_bill", loan, bill="3", effect=effect, moved_to=moved_to).status_code == 302


def test_interest_only_leaves_the_day_and_raises_the_others(client, loan):
    """10,098.16 stays owed; the other nine repay it: 1,178.86 each."""
    shown = change(client, "defer_bill", loan, bill="3", effect="interest_only", moved_to="")
    assert shown.moved[:2] == (
        Moved(3, date(2026, 4, 10), BILL, 10_098),
        Moved(4, date(2026, 5, 10), BILL, 117_886),
    )
    assert shown.new_payment == 117_886


def test_a_bill_put_off_with_a_date_needs_the_date(client, loan):
    for effect in ("move", "shift", "capitalize", "waive"):
        response = send(client, "defer_bill", loan, bill="3", effect=effect, moved_to="")
        assert errors(response) == {"moved_to": ["Enter the day it is due now."]}


def test_a_date_that_is_not_asked_for_is_not_kept(client, loan):
    send(client, "defer_bill", loan, bill="3", effect="add_to_end", moved_to="nonsense")
    assert Fact.objects.get().moved_to is None


def test_a_refund_makes_bills_smaller_and_is_shown_as_what_it_met(client, loan):
    shown = change(client, "record_refund", loan, amount="1,000")
    assert [(one.number, one.parts) for one in shown.paid] == [(None, Parts(principal=100_000))]
    assert (shown.new_payment, shown.saves) == (97_058, 5_168)
    send(client, "record_refund", loan, amount="1,000")
    loan.refresh_from_db()
    line = loan_history(loan)[0]
    assert (loan.outstanding_principal, [(met.bill, met.amount) for met in line.met]) == (1_100_000, [(None, 100_000)])


def test_a_refund_of_more_than_was_borrowed_is_refused(client, loan):
    response = send(client, "record_refund", loan, amount="12,000.01")
    assert errors(response) == {"amount": ["Only ¥12,000.00 was borrowed. Enter at most that."]}


def test_a_charge_asked_for_later_joins_the_bill_due_then(client, loan):
    send(client, "record_charge", loan, amount="12.50", component="fee", bill="", moved_to="2026-05-01")
    assert [one.number for one in Bill.objects.filter(fee_due__gt=0)] == [4]


@pytest.mark.parametrize(
    "said, text",
    [
        ({"bill": "3", "moved_to": "2026-05-01"}, "Name the bill or the day it is asked for, not both."),
        ({"bill": "", "moved_to": "2026-03-08"}, "It cannot be asked for before it was charged. Choose a later day."),
    ],
)
def test_a_charge_names_a_bill_or_a_later_day(client, loan, said, text):
    response = send(client, "record_charge", loan, amount="1", component="fee", **said)
    assert errors(response) == {"moved_to": [text]}


COUPONS = [
    ("amount", {"amount": "50", "bill": "3"}, 5_000, {3: 101_619}),
    ("share", {"fraction": "50", "bill": "2"}, 5_527, {2: 101_092}),
    ("share", {"fraction": "50", "bill": "", "cap": "20"}, 2_000, {2: 104_619}),
    ("free_bills", {"count": "3", "bill": ""}, 11_054 + 10_098 + 9_133, {2: 95_565, 3: 96_521, 4: 97_486}),
    ("rate", {"fraction": "1", "bill": "2"}, 921, {2: 105_698}),
]


@pytest.mark.parametrize("kind, said, saves, bills", COUPONS)
@pytest.mark.parametrize("payer", ["", "third"])
def test_a_coupon_is_taken_off_its_bills_and_is_no_repayment(client, loan, kind, said, saves, bills, payer):
    """Interest of bills 2, 3 and 4: 110.54, 100.98 and 91.33. A percentage point of 12: 110.54 x 1/12 = 9.21."""
    said = {"component": payer, "until": "", **said}
    shown = change(client, "record_coupon", loan, f"?kind={kind}", **said)
    assert (shown.saves, {one.number: one.after for one in shown.moved}) == (saves, bills)
    send(client, "record_coupon", loan, f"?kind={kind}", **said)
    fact = Fact.objects.get()
    assert (fact.effect, fact.value.by_third_party) == (kind, payer == "third")
    assert sum(one.waived.total for one in Bill.objects.all()) == saves
    assert sum(one.paid.total for one in Bill.objects.all()) == 0


def test_free_days_bear_no_interest(client, loan):
    """Ten days of March's 31 after 10 March: 100.98 x 10/31 = 32.57."""
    said = {"count": "10", "component": "", "effective_on": "2026-03-10"}
    shown = change(client, "record_coupon", loan, "?kind=free_days", **said)
    assert (shown.saves, [(one.number, one.after) for one in shown.moved]) == (3_257, [(3, BILL - 3_257)])


@pytest.mark.parametrize(
    "query, said, field",
    [
        ("", {"amount": "2000", "bill": "3"}, "amount"),
        ("", {"amount": "50", "bill": ""}, "bill"),
        ("?kind=share", {"fraction": "101"}, "fraction"),
        ("?kind=share", {"fraction": "0"}, "fraction"),
        ("?kind=share", {"fraction": "10", "until": "2026-03-08"}, "until"),
        ("?kind=share", {"fraction": "10", "cap": "0"}, "cap"),
        ("?kind=free_bills", {"count": "0"}, "count"),
        ("?kind=free_bills", {"count": "x"}, "count"),
        ("?kind=free_days", {"count": "3661"}, "count"),
        ("?kind=rate", {"fraction": ""}, "fraction"),
        ("?kind=no-such-kind", {"amount": "0", "bill": "2"}, "amount"),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_at_its_field(client, loan, query, said, field):
    response = send(client, "record_coupon", loan, query, **({"component": ""} | said))
    assert (response.status_code, list(errors(response)), Fact.objects.count()) == (422, [field], 0)


@pytest.mark.parametrize(
    "name, said, field",
    [
        ("record_drawdown", {"amount": "0"}, "amount"),
        ("record_drawdown", {"amount": "99,999,999,999"}, "amount"),
        ("record_drawdown", {"amount": "5", "effective_on": "2026-01-09"}, "effective_on"),
        ("record_refund", {"amount": "-1"}, "amount"),
        ("move_due_date", {"bill": "1", "moved_to": "2026-04-25"}, "bill"),
        ("move_due_date", {"bill": "99", "moved_to": "2026-04-25"}, "bill"),
        ("move_due_date", {"bill": "3", "moved_to": "2026-04-10"}, "moved_to"),
        ("move_due_date", {"bill": "3", "moved_to": "2026-03-10"}, "moved_to"),
        ("move_due_date", {"bill": "3", "moved_to": "2028-04-10"}, "moved_to"),
        ("defer_bill", {"bill": "3", "effect": "shift", "moved_to": "2028-04-10"}, "moved_to"),
        ("pause_interest", {"until": "2026-03-08"}, "until"),
        ("pause_interest", {"until": "2046-03-08"}, "until"),
        ("extend_loan", {"count": "589"}, "count"),
        ("extend_loan", {"count": "0"}, "count"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(client, loan, name, said, field):
    response = send(client, name, loan, **said)
    assert (response.status_code, list(errors(response)), Fact.objects.count()) == (422, [field], 0)


@pytest.mark.parametrize("name, said", [("pause_interest", {"until": "2026-03-31"}), ("change_rate", {})])
def test_a_flat_plan_has_no_days_of_interest(client, home, name, said):
    plan = make.loan(home, now=TODAY, method="flat", annual_rate=0, flat_fee=6000)
    response = send(client, name, plan, **({"annual_rate": "5", "effect": "keep_term"} | said))
    assert list(errors(response)) == ["__all__"]
    for query in ("?kind=free_days", "?kind=rate"):
        response = send(client, "record_coupon", plan, query, count="3", fraction="1", component="")
        assert errors(response) == {
            "__all__": ["This loan’s bills do not follow from a rate. Choose an amount, a share or free bills instead."]
        }


def test_a_settled_loan_is_not_extended(client, loan):
    settle(loan)
    response = send(client, "extend_loan", loan, count="3")
    assert errors(response) == {"__all__": ["This loan is settled: there is nothing left to spread."]}


RECORDED = [
    ("record_drawdown", "", {"amount": "1000"}, "Another ¥1,000.00 borrowed", "the drawdown of ¥1,000.00 on 9 Mar"),
    ("record_refund", "", {"amount": "1000"}, "Purchase given back, ¥1,000.00 refunded", "the refund of ¥1,000.00"),
    ("pause_interest", "", {"until": "2026-03-31"}, "No interest through 31 Mar", "the pause from 9 Mar on"),
    ("extend_loan", "", {"count": "6"}, "6 more bills agreed", "6 more bills"),
    ("extend_loan", "", {"count": "1"}, "1 more bill agreed", "1 more bill"),
    (
        "move_due_date",
        "",
        {"bill": "3", "moved_to": "2026-04-25"},
        "Due day moved: bill 3 is due on 25 Apr, later ones follow",
        "the moved due day from bill 3 on",
    ),
    (
        "defer_bill",
        "",
        {"bill": "3", "effect": "add_to_end"},
        "Bill 3 left out, one more added at the end",
        "the deferral of bill 3",
    ),
    (
        "defer_bill",
        "",
        {"bill": "3", "effect": "interest_only"},
        "Only interest asked for with bill 3",
        "the deferral of bill 3",
    ),
    (
        "defer_bill",
        "",
        {"bill": "3", "effect": "waive", "moved_to": "2026-05-10"},
        "Bill 3 moved to 10 May, and those after it",
        "the deferral of bill 3",
    ),
    (
        "record_charge",
        "",
        {"amount": "5", "component": "fee", "moved_to": "2026-05-01"},
        "Fee of ¥5.00 added, asked for from 1 May",
        "the charge of ¥5.00",
    ),
    ("record_coupon", "", {"amount": "50", "bill": "3"}, "Coupon of ¥50.00 on bill 3", "the coupon of 9 Mar"),
    (
        "record_coupon",
        "?kind=rate",
        {"fraction": "1", "component": "third", "until": "2026-06-30"},
        "Subsidy: 1% off the yearly rate, through 30 Jun",
        "the subsidy of 9 Mar",
    ),
    (
        "record_coupon",
        "?kind=share",
        {"fraction": "50", "bill": "3", "cap": "20"},
        "Coupon: 50% off interest and fees, bill 3 alone, at most ¥20.00",
        "the coupon of 9 Mar",
    ),
    ("record_coupon", "?kind=free_bills", {"count": "2"}, "2 bills free of interest and fees", "the coupon of 9 Mar"),
    ("record_coupon", "?kind=free_days", {"count": "1"}, "1 day free of interest", "the coupon of 9 Mar"),
]


def words(page):
    return " ".join(page.content.decode().split())


@pytest.mark.parametrize("name, query, said, text, undone", RECORDED)
def test_each_is_told_in_the_history_and_undone_to_the_cent(client, loan, name, query, said, text, undone):
    before = list(Bill.objects.order_by("number").values_list("number", "due_on", "is_needed", "principal_due"))
    send(client, name, loan, query, **said)
    fact = Fact.objects.get()
    without_links = re.sub(r"</?a\b[^>]*>", "", words(client.get(url("loan", loan))))
    assert f"<strong> {text} </strong>" in without_links
    undo = client.get(f"/loans/{loan.pk}/facts/{fact.pk}/undo/")
    assert text in words(undo)
    assert undo.context["preview"].bills
    client.post(f"/loans/{loan.pk}/facts/{fact.pk}/undo/", {"key": "another-key"})
    after = Bill.objects.filter(is_needed=True).order_by("number")
    assert list(after.values_list("number", "due_on", "is_needed", "principal_due")) == before
    assert f"Undone: {undone}" in words(client.get(url("loan", loan)))
    assert f"Undone: {undone}" in words(client.get("/activity/"))


@pytest.mark.parametrize("name, query, said, text, undone", RECORDED[:6])
def test_undoing_the_undoing_brings_each_back(client, loan, name, query, said, text, undone):
    send(client, name, loan, query, **said)
    with_it = list(Bill.objects.order_by("number").values())
    reversal = reverse_fact(fact=Fact.objects.get(), recording=make.recording(TODAY)).fact
    reverse_fact(fact=reversal, recording=make.recording(TODAY))
    assert list(Bill.objects.order_by("number").values()) == with_it


def test_the_undo_page_shows_on_which_day_a_bill_falls_due_again(client, loan):
    send(client, "move_due_date", loan, bill="3", moved_to="2026-04-25")
    page = client.get(f"/loans/{loan.pk}/facts/{Fact.objects.get().pk}/undo/")
    first = page.context["preview"].bills[0]
    assert (first.number, first.due_before, first.due_on) == (3, date(2026, 4, 25), date(2026, 4, 10))
    assert "Bill 3, due 25 Apr → 10 Apr, left to pay" in words(page)


def test_a_rate_the_kept_payment_cannot_carry_is_warned_of_before_and_after(client, loan):
    """At 144 % a year a month's interest on 10,098.16 is 1,211.78; the payment is 1,066.19."""
    shown = look(client, "change_rate", loan, annual_rate="144", effect="keep_payment", effective_on="2026-03-10")
    low = shown.context["change"].too_low
    assert low.payment == BILL
    assert low.least_payment > BILL
    assert "no longer covers the interest" in shown.content.decode()
    send(client, "change_rate", loan, annual_rate="144", effect="keep_payment")
    assert loan_page(Loan.objects.get(), DAY).too_low is not None
    assert "Since the rate changed, the payment of ¥1,066.19" in words(client.get(url("loan", loan)))
    send(client, "change_rate", loan, annual_rate="12", effect="keep_term", key="another-key")
    assert loan_page(Loan.objects.get(), DAY).too_low is None


@pytest.mark.parametrize(
    "name, said",
    [
        ("change_rate", {"annual_rate": "6", "effect": "keep_term"}),
        ("record_drawdown", {"amount": "1000"}),
        ("extend_loan", {"count": "6"}),
        ("amend_terms", {"annual_rate": "6", "method": "level", "due_day": "10"}),
    ],
)
def test_a_pinned_figure_outlives_later_changes_and_its_difference_shows(client, loan, name, said):
    """The lender said bill 3 is 960.00 and 105.00; ours changes from 100.98 of interest, theirs does not."""
    figure = {"principal": "960", "interest": "105", "fee": "", "penalty": "", "key": "figure-key"}
    send(client, "state_lender_figure", loan, bill="3", **figure)
    ours = bill(3).computed
    assert send(client, name, loan, **said).status_code == 302
    pinned = bill(3)
    assert (pinned.due, pinned.computed == ours) == (Parts(96_000, 10_500), False)
    line = loan_page(Loan.objects.get(), DAY).schedule[2]
    assert line.difference == 106_500 - pinned.computed.total != 0
    assert list(find_problems()) == []


def test_a_prepayment_leaves_a_pinned_figure_and_shows_the_difference(client, loan):
    figure = {"principal": "960", "interest": "105", "fee": "", "penalty": ""}
    send(client, "state_lender_figure", loan, bill="3", **figure)
    make.repayment(loan, 500_000, DAY, TODAY, apply_to="lower")
    pinned = bill(3)
    assert (pinned.due, pinned.computed.total < 70_000) == (Parts(96_000, 10_500), True)


def test_figures_can_be_filtered_by_every_kind(client, loan):
    send(client, "extend_loan", loan, count="6")
    kinds = dict(client.get("/activity/").context["kinds"])
    assert kinds["extension"] == "Extensions"
    assert len(client.get("/activity/?kind=extension").context["shown"].events) == 1
    assert len(client.get("/activity/?kind=pause").context["shown"].events) == 0
