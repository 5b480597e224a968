"""Everything the form about auto-repay can say: what it covers, from where, how much, when; pausing and ending it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine

from ledger.forms.mandates import PRESETS
from ledger.loanmath.debit_presets import BY_CODE
from ledger.loanmath.debiting import DebitLimits
from ledger.models import AutoRepayAttempt, AutoRepayMandate, CreditLine, Loan, Role
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import Wishes, authorize_mandate
from tests import builders as make
from tests.builders import at, sentences, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.service]

JAN_21 = at("2026-01-21")
TODAY = date(2026, 1, 21)


@pytest.fixture(autouse=True)
def on_21_january():
    with time_machine.travel(JAN_21, tick=False):
        yield


@pytest.fixture
def wallet(home):
    return make.account(home, name="Wallet", last4="")


def path(loan):
    return f"/loans/{loan.pk}/auto-repay/"


def change(loan, mandate=None):
    return f"{path(loan)}{(mandate or live()).pk}/"


def choice(card, **more):
    key = make.unique().replace("-", "0") * 3
    return {"key": key, "scope": "loan", "account": card.pk, "mode": "bill", "preset": "morning"} | more


def text(response):
    return sentences(" ".join(response.content.decode().split()))


def live():
    return AutoRepayMandate.objects.live().get()


def saved(client, loan, data):
    response = client.post(path(loan), data)
    assert (response.status_code, response.headers.get("Location")) == (302, path(loan)), response.context[
        "form"
    ].errors
    return live()


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_choosing_a_preset_stores_its_rule_and_shows_it_again(client, loan, card, code):
    mandate = saved(client, loan, choice(card, preset=code, own_windows="03:00", partial=""))
    assert (mandate.rule, mandate.partial) == (BY_CODE[code].rule, BY_CODE[code].partial)
    form = client.get(path(loan)).context["form"]
    assert form["preset"].value() == code


@pytest.mark.parametrize(
    "code, said",
    [
        ("due_day", "<dd>09:30, 15:30 on the due day</dd>"),
        ("morning", "<dd>09:30, 15:30 on the due day; again on days 1, 2, 3, 4, 5 after it</dd>"),
        ("daily", "<dd>11:30, 19:00 on the due day; then every day while overdue</dd>"),
        ("evening", "<dd>17:00-24:00 on the due day; again on day 3 after it at 06:00-12:00</dd>"),
        ("day_before", "<dd>09:00, 14:00, 20:00 on the day before the due day</dd>"),
    ],
)
def test_the_times_are_said_in_words(client, loan, card, code, said):
    saved(client, loan, choice(card, preset=code))
    assert said in text(client.get(path(loan)))


def test_every_preset_has_words_and_every_choice_a_preset():
    assert {code for code, _ in PRESETS} == {*BY_CODE, "own"}


def test_accounts_are_debited_in_the_order_they_are_named(client, home, loan, card, wallet):
    third = make.account(home, name="Savings", last4="9999")
    mandate = saved(client, loan, choice(wallet, account_2=third.pk, account_3=card.pk))
    assert [source.account for source in mandate.sources.all()] == [wallet, third, card]
    html = text(client.get(path(loan)))
    assert html.index("Wallet</dd>") < html.index("Savings ••9999</dd>") < html.index("Salary card ••1234</dd>")


def test_an_account_named_twice_is_refused_and_the_choice_kept(client, loan, card, wallet):
    response = client.post(path(loan), choice(card, account_2=card.pk, cap="900"))
    form = response.context["form"]
    assert (response.status_code, form.errors) == (422, {"account": ["Each account can be named once."]})
    assert (form["account_2"].value(), form["cap"].value()) == (str(card.pk), "900")


def test_a_row_of_another_household_is_no_second_account(client, loan, card, wallet):
    other = make.account(make.household())
    response = client.post(path(loan), choice(card, account_2=other.pk))
    assert (response.status_code, response.context["form"].errors) == (
        422,
        {"account_2": ["Choose one of your accounts."]},
    )


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "mandate-form"}])
def test_another_row_appears_with_what_was_typed_and_nothing_is_judged(client, home, loan, card, headers):
    for number in range(5):
        make.account(home, name=f"Card {number}")
    typed = choice(card, account_2="", account_3="", cap="nonsense", preset="own", own_windows="x", more="1")
    response = client.post(path(loan), typed, headers=headers)
    form = response.context["form"]
    assert (response.status_code, form.errors) == (200, {})
    assert [row.name for row in form.source_rows] == ["account", *(f"account_{n}" for n in range(2, 6))]
    assert (form["cap"].value(), form["own_windows"].value(), form["key"].value()) == ("nonsense", "x", typed["key"])
    assert ("<main" in text(response)) == (not headers)
    assert not AutoRepayMandate.objects.exists()


def test_everything_the_advanced_part_says_is_stored(client, loan, card):
    own = {"preset": "own", "own_windows": "08:00， 17:00 - 24:00", "day_offset": "-1", "retry_days": "3、1 3"}
    own |= {"retry_windows": "7:30", "daily": "on", "tries_a_day": "2", "partial": "on"}
    more = {"cap": "900", "started_on": "2026-02-01", "expires_on": "2026-12-31", "trust_days": "5"}
    more |= {"ask_after": "2", "priority": "7", "mode": "fixed", "fixed_amount": "500"}
    mandate = saved(client, loan, choice(card, **own, **more))
    stored = (mandate.windows, mandate.day_offset, mandate.retry_days, mandate.retry_windows, mandate.daily)
    assert stored == (["08:00", "17:00-24:00"], -1, [1, 3], ["07:30"], True)
    limits = (mandate.tries_a_day, mandate.partial, mandate.cap, mandate.mode, mandate.fixed_amount)
    assert limits == (2, True, 90_000, "fixed", 50_000)
    dates = (mandate.started_on, mandate.expires_on, mandate.trust_days, mandate.ask_after, mandate.priority)
    assert dates == (date(2026, 2, 1), date(2026, 12, 31), 5, 2, 7)
    assert client.post(path(loan), _as_shown(client, loan)).status_code == 302
    assert live() == mandate  # the page, sent as it is, says the same


def _as_shown(client, loan):
    form = client.get(path(loan)).context["form"]
    values = {bound.name: bound.value() for bound in form}
    shown = {name: value for name, value in values.items() if value not in (None, False, "")}
    for name in ("cap", "fixed_amount"):
        if name in shown and isinstance(shown[name], int):
            shown[name] = str(shown[name] / 100)
    return shown


@pytest.mark.parametrize(
    "field, said",
    [
        ("retry_days", {"preset": "own", "own_windows": "9:00", "retry_days": "91"}),
        ("retry_days", {"preset": "own", "own_windows": "9:00", "retry_days": "soon"}),
        ("retry_windows", {"preset": "own", "own_windows": "9:00", "retry_windows": "late"}),
        ("own_windows", {"preset": "own", "own_windows": "18:00-17:00"}),
        ("fixed_amount", {"mode": "fixed", "fixed_amount": ""}),
        ("cap", {"cap": "0"}),
        ("cap", {"cap": "9" * 30}),
        ("expires_on", {"started_on": "2026-03-01", "expires_on": "2026-02-01"}),
        ("trust_days", {"trust_days": "9" * 400}),
        ("ask_after", {"ask_after": "-1"}),
        ("priority", {"priority": "1e400"}),
        ("tries_a_day", {"preset": "own", "own_windows": "9:00", "tries_a_day": "٣٣٣"}),
        ("scope", {"scope": "line"}),
    ],
)
def test_what_is_wrong_is_said_where_it_was_typed_and_kept(client, loan, card, field, said):
    response = client.post(path(loan), choice(card, **said))
    form = response.context["form"]
    assert (response.status_code, list(form.errors)) == (422, [field])
    assert {name: form[name].value() for name in said} == said
    assert not AutoRepayMandate.objects.exists()


def test_what_is_not_of_the_choice_made_is_not_read(client, loan, card):
    mandate = saved(client, loan, choice(card, fixed_amount="12", own_windows="8:00", retry_days="1", daily="on"))
    assert (mandate.fixed_amount, mandate.windows, mandate.daily) == (None, ["09:30", "15:30"], False)


def test_one_for_all_loans_of_a_lender_says_which_and_a_loan_may_have_its_own(client, home, loan, card):
    other = make.loan(home, now=at("2026-01-20"), name="Chair")
    wide = saved(client, loan, choice(card, scope="lender"))
    assert (wide.lender, {one.mandate for one in Loan.objects.all()}) == (loan.lender, {wide})
    html = text(client.get(path(loan)))
    assert "It covers all loans from Bank of Tests, including those to come. Besides this one: Chair." in html
    assert "This ends it for all loans from Bank of Tests: this loan and 1 other are repaid by hand then." in html

    client.post(path(other), choice(card, preset="daily"))
    own = AutoRepayMandate.objects.get(loan=other)
    assert {one.name: one.mandate_id for one in Loan.objects.all()} == {"Laptop": wide.pk, "Chair": own.pk}
    html = text(client.get(path(other)))
    assert "When it ends, the one for all loans from Bank of Tests takes over." in html

    client.post(change(other, own), {"what": "end"})
    client.post(change(other, own), {"what": "end"})  # pressed twice: the wider one stays
    assert Loan.objects.get(pk=other.pk).mandate == wide


def test_one_for_all_draws_on_a_credit_line(client, home, loan, card):
    line = CreditLine.objects.create(
        household=home, lender=loan.lender, name="Reserve", currency="CNY", limit=5_000_000
    )
    Loan.objects.filter(pk=loan.pk).update(credit_line=line)
    assert "All draws on Reserve" in text(client.get(path(loan)))
    assert saved(client, loan, choice(card, scope="line")).credit_line == line
    assert "It covers all draws on Reserve, including those to come." in text(client.get(path(loan)))


def test_a_wider_one_leaves_a_loans_own_in_force_and_says_so(client, loan, card):
    saved(client, loan, choice(card))
    html = text(client.post(path(loan), choice(card, scope="lender"), follow=True))
    assert "Auto-repay is on for all loans from Bank of Tests. Laptop keeps its own until you end it." in html


@pytest.mark.parametrize("htmx", [False, True])
def test_pausing_and_resuming(client, loan, card, htmx):
    mandate = saved(client, loan, choice(card))
    headers = {"HX-Request": "true"} if htmx else {}
    done = 200 if htmx else 302
    until = (TODAY + timedelta(days=30)).isoformat()
    assert client.post(change(loan), {"what": "pause", "resumes_on": until}, headers=headers).status_code == done
    mandate.refresh_from_db()
    assert (mandate.paused_on, mandate.resumes_on) == (TODAY, date(2026, 2, 20))
    html = text(client.get(path(loan)))
    assert "Auto-repay is paused" in html
    assert "from 21 Jan; debits begin again on 20 Feb, in 30 days" in html

    assert client.post(change(loan), {"what": "resume"}, headers=headers).status_code == done
    mandate.refresh_from_db()
    assert mandate.paused_on is None
    assert "Auto-repay is on" in text(client.get(path(loan)))


def test_pausing_without_an_end(client, loan, card):
    saved(client, loan, choice(card))
    client.post(change(loan), {"what": "pause"})
    html = text(client.get(path(loan)))
    assert "since 21 Jan, until you resume it" in html
    assert "Planned: nothing while it is paused" in html


@pytest.mark.parametrize("typed", ["2026-01-21", "2026-01-20", "never", "9" * 400])
def test_a_pause_that_cannot_be_is_refused_at_its_field(client, loan, card, typed):
    saved(client, loan, choice(card))
    response = client.post(change(loan), {"what": "pause", "resumes_on": typed})
    assert (response.status_code, list(response.context["pause_form"].errors)) == (422, ["resumes_on"])
    assert live().paused_on is None


def test_an_unknown_button_a_viewer_and_a_stranger_change_nothing(client, home, loan, card):
    mandate = saved(client, loan, choice(card))
    other = make.loan(home, now=JAN_21, name="Chair")
    stranger = make.user()
    make.household(stranger)
    answers = [
        client.post(change(loan), {"what": "drop"}),
        signed_in(make.member(home, Role.VIEWER)).post(change(loan), {"what": "end"}),
        signed_in(stranger).post(change(loan), {"what": "end"}),
        client.post(change(other, mandate), {"what": "end"}),  # it does not cover that loan
        client.get(change(loan)),
    ]
    assert [answer.status_code for answer in answers] == [400, 403, 404, 404, 405]
    assert live() == mandate


def failing(loan, card, **wishes):
    make.balance(card, 100_000, date(2026, 2, 1), at("2026-02-01"))
    authorize_mandate(scope=loan, sources=[card], wishes=Wishes(**wishes), recording=make.recording(JAN_21))


def test_the_debits_are_listed_with_what_came_of_them_the_next_one_first(owner, loan, card):
    failing(loan, card, limits=DebitLimits(partial=True))
    with time_machine.travel(at("2026-02-10", 9) + timedelta(minutes=20), tick=False):
        client = signed_in(owner)
        html = text(client.get(path(loan)))
        assert "Planned: 10 Feb, today, 09:30, bill 1" in html
        assert "¥66.19 short" in html
    with time_machine.travel(at("2026-02-10", 10), tick=False):
        debit_due(at("2026-02-10", 10))
        html = text(client.get(path(loan)))
    assert html.index("Planned: 10 Feb, today, 15:30, bill 1") < html.index("In part: ¥1,000.00 of ¥1,066.19")
    assert "¥66.19 missing" in html


def test_a_failure_says_why(owner, loan, card):
    failing(loan, card, limits=DebitLimits(cap=90_000))
    with time_machine.travel(at("2026-02-10", 10), tick=False):
        client = signed_in(owner)
        html = text(client.get(path(loan)))
        assert "More than the limit for one debit, so nothing is taken: pay by hand." in html
        debit_due(at("2026-02-10", 10))
        assert "more than the limit for one debit" in text(client.get(path(loan)))
        assert "Reason: more than the limit for one debit." in text(client.get("/activity/"))


def test_a_mandate_that_ends_before_the_next_bill_says_so(client, loan, card):
    failing(loan, card, expires_on=date(2026, 2, 9))
    html = text(client.get(path(loan)))
    assert "Its last day is 9 Feb, in 19 days. Bill 1 of 10 Feb comes later" in html
    assert "Planned: nothing, it ends before the next bill" in html
    AutoRepayMandate.objects.update(expires_on=date(2026, 2, 10))
    assert "Its last day is" not in text(client.get(path(loan)))


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_however_many_loans_it_covers(client, home, card, count, django_assert_num_queries):
    loans = [make.loan(home, now=at("2026-01-20"), name=f"Loan {number}") for number in range(count)]
    make.balance(card, 5_000_000, date(2026, 1, 20), JAN_21)
    authorize_mandate(scope=loans[0].lender, sources=[card], recording=make.recording(JAN_21))
    debit_due(at("2026-02-11"))
    assert AutoRepayAttempt.objects.count() == count
    with django_assert_num_queries(26):
        client.get(path(loans[0]))
