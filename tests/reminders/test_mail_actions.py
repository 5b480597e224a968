"""The links of a letter: paid, partly paid, later, no more of these; looking never acts, and each acts once."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.signing import Signer
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import Bill, Fact, Household, Loan, Membership, Role, User
from ledger.selectors.history import history
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.reversals import reverse_fact
from loantracker.logs import WithoutLinks
from reminders import rules
from reminders.action_links import (
    LINK_LASTS,
    Action,
    action_url,
    make_token,
    read_token,
    read_unsubscribe_token,
    unsubscribe_token,
    unsubscribe_url,
)
from reminders.models import ReminderChoice, Snooze
from reminders.services import mail_actions
from tests import builders as make
from tests.builders import at
from tests.security.world import fingerprint

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")
DUE = date(2026, 3, 10)
INSTALLMENT = 106_619  # 12,000.00 at 1 % a month over 12 months
NOW = at("2026-03-03")
TODAY = date(2026, 3, 3)


@dataclass(frozen=True, slots=True)
class Story:
    """A bill of 1,066.19 payable on 10 March; it is noon on the 3rd."""

    owner: User
    household: Household
    loan: Loan
    bill: Bill

    def url(self, action: str, to: User | None = None) -> str:
        return action_url(action, self.bill, to or self.owner, NOW).removeprefix("http://localhost:8000")

    def paid(self) -> list[tuple[int, date, str, int | None, int]]:
        """(amount, day, what it is for, bill, who) of what was recorded."""
        facts = Fact.objects.filter(loan=self.loan, kind="repayment").order_by("pk")
        return [
            (fact.amount or 0, fact.effective_on, fact.apply_to, fact.bill_number, fact.recorded_by_id or 0)
            for fact in facts
        ]

    def left(self) -> int:
        return Bill.objects.get(pk=self.bill.pk).open.total


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def story(db: None, clock: Any) -> Story:
    return told()


def told(**more: Any) -> Story:
    owner = make.user()
    household = make.household(owner)
    loan = make.loan(household, now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=DUE, **more)
    return Story(owner, household, loan, loan.bills.get(number=1))


def page(answer: HttpResponse) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.replace("\u00a0", " ").split())


class TestLooking:
    @pytest.mark.parametrize("action", Action)
    def test_three_looks_and_a_head_write_nothing(self, story: Story, action: str) -> None:
        url, before, client = story.url(action), fingerprint(), Client()
        answers = [client.get(url + query) for query in ("", "?paid=1", "?amount_paid=5&until=2026-03-04")]
        answers.append(client.head(url))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert fingerprint() == before

    def test_it_says_what_will_be_recorded(self, story: Story) -> None:
        text = page(Client().get(story.url("paid")))
        assert "Did you pay Bank of Tests today?" in text
        assert "This records that ¥1,066.19 was paid today, 3 Mar. It moves no money." in text
        assert "1 of 12" in text
        assert "10 Mar, in 7 days" in text

    def test_a_bill_that_is_needed_no_more_is_counted_among_no_others(self, story: Story) -> None:
        url = action_url("paid", story.loan.bills.get(number=12), story.owner, NOW).removeprefix(settings.SITE_URL)
        make.repayment(story.loan, INSTALLMENT, TODAY, NOW)
        story.loan.refresh_from_db()
        payoff = history(story.loan).payoff_quote(TODAY).total
        make.repayment(story.loan, payoff, TODAY, NOW, apply_to="payoff")
        text = page(Client().get(url))
        assert "Bill 12 Payable on" in text
        assert "Nothing is left to pay on this bill." in text

    def test_it_is_kept_nowhere_and_in_the_readers_language(self, story: Story) -> None:
        reader = make.member(story.household, Role.EDITOR, language="zh-hans")
        answer = make.signed_in(story.owner).get(story.url("paid", reader))
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
        assert answer["Referrer-Policy"] == "same-origin"
        assert '<html lang="zh-Hans">' in answer.content.decode()
        assert "<nav" not in answer.content.decode()

    def test_it_shows_a_penalty_that_grew_overnight_and_writes_nothing_for_it(self, clock: Any) -> None:
        story = told(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
        url = story.url("paid")
        clock.move_to(at("2026-03-13"))
        before = fingerprint()
        text = page(Client().get(url))
        assert "that ¥1,067.61 was paid today" in text  # 3 days at 18 % on 947 of principal: 1.42
        assert fingerprint() == before


class TestPaid:
    def test_two_posts_record_all_that_is_open_once(self, story: Story) -> None:
        url = story.url("paid")
        answers = [Client().post(url, {"seen": INSTALLMENT}) for _ in range(2)]
        assert [(one.status_code, one["Location"]) for one in answers] == [(302, url)] * 2
        assert story.paid() == [(INSTALLMENT, TODAY, "bill", 1, story.owner.pk)]
        text = page(Client().get(url))
        assert "This link recorded that ¥1,066.19 was paid on 3 Mar, today." in text
        assert "<form" not in Client().get(url).content.decode().partition("<main")[2]

    def test_it_works_from_the_page_with_its_token_of_the_form(self, story: Story) -> None:
        client, url = Client(enforce_csrf_checks=True), story.url("paid")
        assert client.post(url, {}).status_code == 403
        html = client.get(url).content.decode()
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', html))
        [seen] = re.findall(r'name="seen" value="(\d+)"', html)
        assert client.post(url, {"csrfmiddlewaretoken": token, "seen": seen}).status_code == 302
        assert story.left() == 0

    @pytest.mark.parametrize("said", [{}, {"seen": ""}, {"seen": "all"}])
    def test_who_says_not_what_they_saw_is_asked_again(self, story: Story, said: dict[str, str]) -> None:
        url, before = story.url("paid"), fingerprint()
        answer = Client().post(url, said)
        assert (answer.status_code, fingerprint() == before) == (409, True)
        assert f'name="seen" value="{INSTALLMENT}"' in answer.content.decode()

    def test_what_is_not_what_was_seen_is_shown_before_it_is_recorded(self, story: Story) -> None:
        url = story.url("paid")
        make.repayment(story.loan, 50_000, TODAY, NOW)
        before = fingerprint()
        answer = Client().post(url, {"seen": INSTALLMENT})
        assert (answer.status_code, fingerprint() == before) == (409, True)
        assert "The figures have changed since you saw them." in page(answer)
        assert 'name="seen" value="56619"' in answer.content.decode()
        assert Client().post(url, {"seen": 56_619}).status_code == 302
        assert [amount for amount, *_ in story.paid()] == [50_000, 56_619]

    def test_a_bill_paid_already_is_said_so(self, story: Story) -> None:
        url = story.url("paid")
        make.repayment(story.loan, INSTALLMENT, TODAY, NOW)
        before = fingerprint()
        assert "Nothing is left to pay on this bill." in page(Client().get(url))
        answer = Client().post(url)
        assert (answer.status_code, fingerprint() == before) == (409, True)

    def test_another_letters_link_finds_it_paid(self, story: Story) -> None:
        Client().post(story.url("paid"), {"seen": INSTALLMENT})
        later = action_url("paid", story.bill, story.owner, NOW + timedelta(hours=1)).removeprefix(
            "http://localhost:8000"
        )
        assert Client().post(later).status_code == 409
        assert len(story.paid()) == 1

    def test_a_link_whose_record_was_undone_stays_used(self, story: Story) -> None:
        url = story.url("paid")
        Client().post(url, {"seen": INSTALLMENT})
        reverse_fact(fact=story.loan.facts.get(kind="repayment"), recording=make.recording(NOW))
        before = fingerprint()
        assert Client().post(url).status_code == 302
        assert fingerprint() == before
        assert "What this link recorded was undone since" in page(Client().get(url))
        assert story.left() == INSTALLMENT


class TestPartly:
    def test_two_posts_record_one_amount(self, story: Story) -> None:
        url = story.url("partly")
        for _ in range(2):
            assert Client().post(url, {"amount_paid": "500"}).status_code == 302
        Client().post(url, {"amount_paid": "100"})
        assert story.paid() == [(50_000, TODAY, "bill", 1, story.owner.pk)]
        assert story.left() == 56_619

    @pytest.mark.parametrize("amount", ["", "0", "-5", "x", "1.234", "9" * 30])
    def test_what_is_no_amount_records_nothing(self, story: Story, amount: str) -> None:
        before = fingerprint()
        answer = Client().post(story.url("partly"), {"amount_paid": amount})
        assert (answer.status_code, fingerprint() == before) == (422, True)

    def test_more_than_is_open_is_refused_in_words(self, story: Story) -> None:
        before = fingerprint()
        answer = Client().post(story.url("partly"), {"amount_paid": "1,066.20"})
        assert (answer.status_code, fingerprint() == before) == (409, True)
        assert "This bill has ¥1,066.19 left to pay. Enter at most that." in page(answer)


class TestSnooze:
    def test_it_offers_tomorrow_three_days_and_the_due_day(self, story: Story) -> None:
        assert mail_actions.days_to_snooze(DUE, TODAY) == [date(2026, 3, 4), date(2026, 3, 6), DUE]
        assert mail_actions.days_to_snooze(DUE, date(2026, 3, 8)) == [date(2026, 3, 9), DUE]
        assert mail_actions.days_to_snooze(DUE, date(2026, 3, 9)) == [DUE]
        assert mail_actions.days_to_snooze(DUE, DUE) == []
        assert mail_actions.days_to_snooze(DUE, date(2026, 3, 20)) == []
        text = page(Client().get(story.url("snooze")))
        for said in ("4 Mar, tomorrow", "6 Mar, in 3 days", "10 Mar, in 7 days, the day it is due"):
            assert said in text

    def test_two_posts_put_it_off_once(self, story: Story) -> None:
        viewer = make.member(story.household, Role.VIEWER)  # their own mail is theirs
        url = story.url("snooze", viewer)
        for until in ("2026-03-06", "2026-03-04"):
            assert Client().post(url, {"until": until}).status_code == 302
        [row] = Snooze.objects.all()
        assert (row.bill, row.user, row.until, row.household) == (
            story.bill,
            viewer,
            date(2026, 3, 6),
            story.household,
        )
        assert "You hear nothing about this bill before 6 Mar, in 3 days." in page(Client().get(url))

    @pytest.mark.parametrize("until", ["", "2026-03-03", "2026-03-05", "2026-03-11", "x"])
    def test_no_other_day_is_taken(self, story: Story, until: str) -> None:
        before = fingerprint()
        assert Client().post(story.url("snooze"), {"until": until}).status_code == 422
        assert fingerprint() == before
        refused = mail_actions.snooze(bill=story.bill, user=story.owner, until=date(2026, 3, 11), key="mail:x", now=NOW)
        assert isinstance(refused, Refusal)
        assert refused.code == "too_late"

    def test_what_is_due_cannot_be_put_off(self, story: Story, clock: Any) -> None:
        url = story.url("snooze")
        clock.move_to(at("2026-03-10"))
        assert "This bill cannot be put off any more: it is due." in page(Client().get(url))
        assert Client().post(url, {"until": "2026-03-10"}).status_code == 422
        assert not Snooze.objects.exists()

    def test_what_is_paid_needs_no_putting_off(self, story: Story) -> None:
        url = story.url("snooze")
        make.repayment(story.loan, INSTALLMENT, TODAY, NOW)
        assert Client().post(url, {"until": "2026-03-04"}).status_code == 409
        assert not Snooze.objects.exists()


class TestUnsubscribe:
    def url(self, story: Story, user: User | None = None, of: rules.Category = rules.Category.LOANS) -> str:
        return unsubscribe_url(story.household, user or story.owner, of).removeprefix("http://localhost:8000")

    def muted(self) -> list[list[str]]:
        return [choice.muted for choice in ReminderChoice.objects.all()]

    def test_looking_shows_and_a_post_stops_one_category_of_one_member(self, story: Story) -> None:
        make.member(story.household)
        before = fingerprint()
        for _ in range(3):
            text = page(Client().get(self.url(story)))
            assert "No more mail about this? Loans: coupons, rates, early repayment, paid off Home" in text
        assert fingerprint() == before
        for _ in range(2):
            assert Client().post(self.url(story)).status_code == 302
        assert self.muted() == [["loans"]]
        assert "It is switched off for you." in page(Client().get(self.url(story)))
        Client().post(self.url(story, of=rules.Category.BILLS))
        assert self.muted() == [["bills", "loans"]]

    def test_a_letter_about_two_things_stops_both(self, story: Story) -> None:
        both = (rules.Category.DEBITS, rules.Category.BILLS)
        url = unsubscribe_url(story.household, story.owner, *both).removeprefix("http://localhost:8000")
        text = page(Client().get(url))
        assert "Bills, before and after they are due Debits that failed, took a part, or are to be confirmed" in text
        assert "Only mail of these kinds stops, and only for you." in text
        Client().post(self.url(story, of=rules.Category.DEBITS))
        assert "No more mail about this?" in page(Client().get(url))
        Client().post(url, {"List-Unsubscribe": "One-Click"})
        assert self.muted() == [["bills", "debits"]]
        assert "It is switched off for you." in page(Client().get(url))

    def test_a_mail_program_does_it_in_one_click(self, story: Story) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post(self.url(story), {"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.content, dict(answer.cookies)) == (200, b"", {})
        assert self.muted() == [["loans"]]

    def test_it_lasts_and_reads_only_what_was_signed_for_it(self, story: Story, clock: Any) -> None:
        token = unsubscribe_token(story.household, story.owner, rules.Category.BILLS)
        assert token == unsubscribe_token(story.household, story.owner, rules.Category.BILLS)
        other = make_token(action=Action.PAID, bill=story.bill.pk, recipient=story.owner.pk, now=NOW)
        for wrong in (token[:-1] + "-", other, "x"):
            assert read_unsubscribe_token(wrong) is None
            assert Client().post(reverse("reminders:unsubscribe", args=[wrong])).status_code == 404
        clock.move_to(NOW + timedelta(days=700))
        assert Client().post(reverse("reminders:unsubscribe", args=[token])).status_code == 302

    def test_who_left_finds_nothing(self, story: Story) -> None:
        gone = make.member(story.household)
        Membership.objects.filter(user=gone).delete()
        before = fingerprint()
        assert [Client().get(self.url(story, gone)).status_code, Client().post(self.url(story, gone)).status_code] == [
            404,
            404,
        ]
        assert fingerprint() == before


class TestWho:
    def test_a_damaged_link_is_not_there(self, story: Story) -> None:
        token = make_token(action=Action.PAID, bill=story.bill.pk, recipient=story.owner.pk, now=NOW)
        damaged = [
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            "A" + token[1:],
            token.partition(":")[0],
            token + "x",
            "nonsense",
            "\u00e9\u4e00",
            unsubscribe_token(story.household, story.owner, rules.Category.BILLS),
        ]
        before = fingerprint()
        for one in damaged:
            url = reverse("reminders:act", args=[one])
            assert [Client().get(url).status_code, Client().post(url).status_code] == [404, 404]
        assert fingerprint() == before

    def test_a_token_signed_for_something_else_is_not_there(self, story: Story) -> None:
        said = ["paid", story.bill.pk, story.owner.pk, 2**33]
        assert read_token(Signer(salt="another").sign_object(said)) is None

    @pytest.mark.parametrize("action", Action)
    def test_an_expired_link_says_so_and_leads_to_the_loan(self, story: Story, clock: Any, action: str) -> None:
        url, before = story.url(action), fingerprint()
        clock.move_to(NOW + LINK_LASTS)
        for answer in (Client().get(url), Client().post(url, {"amount_paid": "5", "until": "2026-03-18"})):
            assert (answer.status_code, answer["Cache-Control"]) == (410, "no-store")
            assert "This link has expired" in page(answer)
            assert f'href="/loans/{story.loan.pk}/"' in answer.content.decode()
        assert fingerprint() == before

    def test_who_was_taken_out_or_switched_off_or_never_was_there_finds_nothing(self, story: Story) -> None:
        gone, off, stranger = make.member(story.household, Role.EDITOR), make.member(story.household), make.user()
        Membership.objects.filter(user=gone).delete()
        User.objects.filter(pk=off.pk).update(is_active=False)
        make.household(stranger)
        before = fingerprint()
        for person in (gone, off, stranger):
            for action in Action:
                url = story.url(action, person)
                assert [Client().get(url).status_code, Client().post(url).status_code] == [404, 404]
        assert fingerprint() == before

    def test_who_may_only_look_on_records_nothing(self, story: Story) -> None:
        viewer, before = make.member(story.household, Role.VIEWER), fingerprint()
        for action in ("paid", "partly"):
            url = story.url(action, viewer)
            assert [Client().get(url).status_code, Client().post(url, {"amount_paid": "5"}).status_code] == [403, 403]
        assert fingerprint() == before

    def test_a_loan_put_away_is_not_there(self, story: Story) -> None:
        Loan.objects.filter(pk=story.loan.pk).update(archived_at=NOW)
        assert Client().get(story.url("paid")).status_code == 404

    def test_the_token_is_in_no_log(self, story: Story) -> None:
        said, handler = io.StringIO(), logging.StreamHandler()
        handler.setStream(said)
        handler.setFormatter(WithoutLinks("%(message)s"))
        logging.getLogger().addHandler(handler)
        url = story.url("paid", make.member(story.household))
        stop = unsubscribe_url(story.household, make.user(), rules.Category.BILLS).removeprefix("http://localhost:8000")
        try:
            Client().get(url)
            Client().get(stop)
        finally:
            logging.getLogger().removeHandler(handler)
        named = [line.partition(": ")[2] for line in said.getvalue().splitlines() if "/…/" in line]
        assert named == ["/act/…/", "/unsubscribe/…/"]
        assert url.split("/")[2][:20] not in said.getvalue()


def test_the_service_replays_what_its_key_recorded(story: Story) -> None:
    first = mail_actions.repay(bill=story.bill, amount=100, recording=make.recording(NOW, key="mail:x"))
    again = mail_actions.repay(bill=story.bill, amount=200, recording=make.recording(NOW, key="mail:x"))
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert (again.fact, again.replayed) == (first.fact, True)
