"""Answering a presumed debit: by the link in a mail, on the overview, on the bill; whichever comes first counts."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.core.signing import Signer
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.loanmath.terms import PenaltyTerms
from ledger.models import (
    AutoRepayAttempt,
    AutoRepayMandate,
    Fact,
    FundingAccount,
    Household,
    Loan,
    Membership,
    Role,
    User,
)
from ledger.models.autorepay import Reason
from ledger.models.facts import Kind
from ledger.selectors.answers import AfterFailure, Answer, after_failure, question
from ledger.selectors.bills import bills_page
from ledger.services.answer_links import LINK_LASTS, make_token, read_token
from ledger.services.answering import say_it_failed, say_it_was_debited
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate, end_mandate
from ledger.services.recording import Recorded
from ledger.services.refusal import Refusal
from ledger.services.repayments import confirm_repayment
from ledger.services.reversals import reverse_fact
from loantracker.logs import WithoutLinks
from reminders.tasks import run
from tests import builders as make
from tests.builders import at
from tests.security.world import fingerprint

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")
DUE = date(2026, 3, 10)
INSTALLMENT = 106_619  # 12,000.00 at 1 % a month over 12 months
NOON = at("2026-03-10")


@dataclass(frozen=True, slots=True)
class Story:
    """A bill of 1,066.19 payable on 10 March, presumed debited that day at 09:30; it is noon now."""

    owner: User
    household: Household
    loan: Loan
    account: FundingAccount
    debit: Fact

    def token(self, to: User | None = None, now: datetime = NOON) -> str:
        return make_token(repayment=self.debit.pk, recipient=(to or self.owner).pk, now=now)

    def url(self, to: User | None = None, now: datetime = NOON) -> str:
        return reverse("ledger:answer_debit", args=[self.token(to, now)])

    @property
    def loan_url(self) -> str:
        return reverse("ledger:loan", args=[self.loan.pk])

    def answers(self) -> list[tuple[str, str, int]]:
        """(kind, reason, who) of what was said of the debit."""
        said = Fact.objects.filter(target=self.debit, note="").order_by("pk")
        return [(fact.kind, fact.effect, fact.recorded_by_id or 0) for fact in said]

    def answer(self, today: date = DUE) -> Answer:
        return question(self.debit, today).answer


@pytest.fixture
def noon() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as moment:
        yield moment


@pytest.fixture
def story(db: None, noon: Any) -> Story:
    return told()


def told(**more: Any) -> Story:
    owner = make.user()
    household = make.household(owner)
    loan = make.loan(household, now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=DUE, **more)
    account = make.account(household)
    authorize_mandate(scope=loan, sources=[account], recording=make.recording(OPENED))
    debit_due(NOON)
    return Story(owner, household, loan, account, loan.facts.get(presumed=True))


def post(url: str, answer: str, **more: str) -> HttpResponse:
    return Client().post(url, {"answer": answer, **more})


def page(answer: HttpResponse) -> str:
    """The text of a page, its spaces and non-breaking ones alike."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.replace("\u00a0", " ").split())


class TestLooking:
    def test_three_looks_and_a_head_write_nothing(self, story: Story) -> None:
        before, client = fingerprint(), Client()
        answers = [client.get(story.url() + query) for query in ("", "?say=yes", "?say=no&answer=no")]
        answers.append(client.head(story.url()))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert fingerprint() == before
        assert story.answer() is Answer.NONE

    def test_it_shows_what_is_asked_and_two_buttons(self, story: Story) -> None:
        answer = Client().get(story.url())
        text = page(answer)
        assert "Did Bank of Tests debit this on 10 Mar, today?" in text
        for fact in ("¥ 1,066 .19", "Laptop", "1 of 12, payable 10 Mar", "Salary card ••1234"):
            assert fact.replace(" ", "") in text.replace(" ", "")
        buttons = re.findall(r'<button class="btn [^"]*" type="submit" name="answer" value="(\w+)">', _html(answer))
        assert buttons == ["yes", "no"]

    def test_the_link_that_says_no_puts_no_first_and_answers_nothing(self, story: Story) -> None:
        answer = Client().get(story.url() + "?say=no")
        assert re.findall(r'name="answer" value="(\w+)"', _html(answer)) == ["no", "yes"]

    def test_nothing_of_the_page_is_kept_or_passed_on(self, story: Story) -> None:
        answer = Client().get(story.url())
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "same-origin"  # without an origin the form would be refused
        assert answer["X-Robots-Tag"] == "noindex"

    def test_it_is_in_the_readers_language_whoever_is_signed_in(self, story: Story) -> None:
        reader = make.member(story.household, Role.EDITOR, language="zh-hans")
        other = make.signed_in(story.owner)
        for client in (Client(), other):
            answer = client.get(story.url(reader))
            assert '<html lang="zh-Hans">' in _html(answer)
            assert answer["Content-Language"] == "zh-hans"
            assert "<nav" not in _html(answer)


class TestAnswering:
    def test_yes_twice_is_one_confirmation_by_the_recipient(self, story: Story) -> None:
        answers = [post(story.url(), "yes") for _ in range(2)]
        assert [(one.status_code, one["Location"]) for one in answers] == [(302, story.url())] * 2
        assert story.answers() == [("confirmation", "", story.owner.pk)]
        assert "Confirmed: it was debited." in page(Client().get(story.url()))

    def test_no_twice_is_one_reversal_as_of_the_debit_day(self, story: Story) -> None:
        answers = [post(story.url(), "no", reason="card_limit") for _ in range(2)]
        assert [(one.status_code, one["Location"]) for one in answers] == [(302, story.url())] * 2
        assert story.answers() == [("reversal", "card_limit", story.owner.pk)]
        assert Fact.objects.get(target=story.debit).effective_on == DUE

    @pytest.mark.parametrize(("first", "second"), [("yes", "no"), ("no", "yes")])
    def test_the_first_answer_is_the_answer(self, story: Story, first: str, second: str) -> None:
        post(story.url(), first)
        before = fingerprint()
        answer = post(story.url(), second)
        assert (answer.status_code, fingerprint() == before) == (409, True)
        assert "This debit was answered already." in page(answer)
        assert f'href="{story.loan_url}"' in _html(answer)

    def test_the_same_answer_on_another_day_or_for_another_reason_changes_nothing(
        self, story: Story, noon: Any
    ) -> None:
        post(story.url(), "no", reason="insufficient")
        before = fingerprint()
        noon.move_to(at("2026-03-12"))
        assert post(story.url(), "no", reason="other").status_code == 302
        assert fingerprint() == before

    def test_another_members_link_is_used_up_too(self, story: Story) -> None:
        housemate = make.member(story.household, Role.EDITOR)
        post(story.url(), "yes")
        assert post(story.url(housemate), "yes").status_code == 302
        assert post(story.url(housemate), "no").status_code == 409
        assert story.answers() == [("confirmation", "", story.owner.pk)]

    @pytest.mark.parametrize("reason", Reason.values)
    def test_every_reason_is_kept(self, story: Story, reason: str) -> None:
        post(story.url(), "no", reason=reason)
        assert story.answers() == [("reversal", reason, story.owner.pk)]

    def test_a_reason_need_not_be_known(self, story: Story) -> None:
        post(story.url(), "no")
        assert story.answers() == [("reversal", "other", story.owner.pk)]

    @pytest.mark.parametrize(
        "body", [{}, {"answer": ""}, {"answer": "maybe"}, {"answer": "no", "reason": "x" * 300}, {"reason": "other"}]
    )
    def test_nonsense_answers_nothing(self, story: Story, body: dict[str, str]) -> None:
        before = fingerprint()
        assert Client().post(story.url(), body).status_code == 422
        assert fingerprint() == before

    def test_a_debit_confirmed_by_hand_is_shown_so_and_not_undone_by_a_link(self, story: Story) -> None:
        confirm_repayment(repayment=story.debit, recording=make.recording(NOON, by=story.owner))
        before = fingerprint()
        assert f"Confirmed: it was debited. Answered by {story.owner}, 10 Mar, today." in page(
            Client().get(story.url())
        )
        assert [post(story.url(), said).status_code for said in ("yes", "no")] == [302, 409]
        assert fingerprint() == before

    def test_a_debit_undone_by_hand_is_shown_so_and_not_brought_back_by_a_link(self, story: Story) -> None:
        reverse_fact(fact=story.debit, recording=make.recording(NOON))
        before = fingerprint()
        assert "It failed: nothing was paid. Answered 10 Mar, today." in page(Client().get(story.url()))
        assert [post(story.url(), said).status_code for said in ("yes", "no")] == [409, 302]
        assert fingerprint() == before

    def test_a_link_whose_answer_was_undone_stays_used(self, story: Story) -> None:
        post(story.url(), "no")
        reverse_fact(fact=Fact.objects.get(target=story.debit), recording=make.recording(NOON))
        before = fingerprint()
        assert story.answer() is Answer.NONE
        assert "This link has been used" in page(Client().get(story.url()))
        post(story.url(), "no")
        post(story.url(), "yes")
        assert fingerprint() == before
        answered = say_it_was_debited(repayment=story.debit, recording=make.recording(NOON))
        assert isinstance(answered, Recorded)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("said", [["yes"] * 10, ["no"] * 10, ["yes", "no"] * 5])
def test_ten_answers_at_once_are_one(noon: Any, said: list[str]) -> None:
    story = told()
    url, client = story.url(), Client
    answers = _at_once([lambda one=one: client().post(url, {"answer": one}) for one in said])
    assert len(story.answers()) == 1
    won = {"confirmation": "yes", "reversal": "no"}[story.answers()[0][0]]
    assert sorted(answer.status_code for answer in answers) == sorted(302 if one == won else 409 for one in said)


class TestWho:
    def test_a_damaged_link_is_not_there(self, story: Story) -> None:
        token = story.token()
        damaged = [
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            "A" + token[1:],
            token.partition(":")[0],
            token + "x",
            "nonsense",
            "W10:abc",
            "\u00e9\u4e00",
        ]
        before = fingerprint()
        for one in damaged:
            url = reverse("ledger:answer_debit", args=[one])
            assert [Client().get(url).status_code, post(url, "yes").status_code] == [404, 404]
        assert fingerprint() == before

    def test_a_token_signed_for_something_else_is_not_there(self, story: Story) -> None:
        assert read_token(Signer(salt="another").sign_object([story.debit.pk, story.owner.pk, 2**33])) is None

    def test_an_expired_link_says_so_and_leads_to_the_loan(self, story: Story, noon: Any) -> None:
        url, before = story.url(), fingerprint()
        noon.move_to(NOON + LINK_LASTS - timedelta(seconds=1))
        assert Client().get(url).status_code == 200
        noon.move_to(NOON + LINK_LASTS)
        for answer in (Client().get(url), post(url, "yes")):
            assert (answer.status_code, answer["Cache-Control"]) == (410, "no-store")
            assert "This link has expired" in page(answer)
            assert f'href="{story.loan_url}"' in _html(answer)
        assert fingerprint() == before

    def test_who_was_taken_out_or_switched_off_finds_nothing(self, story: Story) -> None:
        gone, off = make.member(story.household, Role.EDITOR), make.member(story.household, Role.EDITOR)
        Membership.objects.filter(user=gone).delete()
        User.objects.filter(pk=off.pk).update(is_active=False)
        before = fingerprint()
        for person in (gone, off):
            assert Client().get(story.url(person)).status_code == 404
            assert post(story.url(person), "yes").status_code == 404
        assert fingerprint() == before

    def test_who_may_only_look_on_answers_nothing(self, story: Story) -> None:
        viewer, before = make.member(story.household, Role.VIEWER), fingerprint()
        assert Client().get(story.url(viewer)).status_code == 403
        assert post(story.url(viewer), "yes").status_code == 403
        assert fingerprint() == before

    def test_somebody_of_another_household_finds_nothing(self, story: Story) -> None:
        stranger = make.user()
        make.household(stranger)
        before = fingerprint()
        assert Client().get(story.url(stranger)).status_code == 404
        assert post(story.url(stranger), "yes").status_code == 404
        assert fingerprint() == before

    def test_only_presumed_debits_are_asked_about(self, story: Story) -> None:
        paid = make.repayment(story.loan, 100, DUE, NOON)
        token = make_token(repayment=paid.pk, recipient=story.owner.pk, now=NOON)
        assert Client().get(reverse("ledger:answer_debit", args=[token])).status_code == 404

    def test_the_token_is_in_no_log(self, story: Story) -> None:
        said, handler = io.StringIO(), logging.StreamHandler()
        handler.setStream(said)
        handler.setFormatter(WithoutLinks("%(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            url = story.url(make.member(story.household, Role.VIEWER))
            Client().get(url)
            Client(enforce_csrf_checks=True).post(url, {"answer": "yes"})
            Client().get(url[:-2] + "/")
        finally:
            logging.getLogger().removeHandler(handler)
        named = [line for line in said.getvalue().splitlines() if "/answers/" in line]
        assert [line.partition(": ")[2] for line in named] == ["/answers/…/"] * 3
        assert url.split("/")[2][:20] not in said.getvalue()


class TestWhatFollows:
    def after(self, story: Story, now: datetime = NOON) -> AfterFailure | None:
        return after_failure(question(story.debit, story.household.today(now)), story.debit, now)

    def test_a_bill_due_today_is_open_again_and_tried_again(self, story: Story) -> None:
        post(story.url(), "no")
        assert self.after(story) == AfterFailure(
            number=1,
            open_since=DUE,
            to_pay=INSTALLMENT,
            payable_on=DUE,
            days_late=0,
            free_until=DUE,
            so_far=0,
            costs_from=date(2026, 3, 11),
            costs=0,
            next_try=at("2026-03-10", 15) + timedelta(minutes=30),
            gave_up=False,
            account="Salary card ••1234",
            short_by=0,
            funding="unknown",
        )
        text = page(Client().get(story.url()))
        assert "Bill 1 has been open again since 10 Mar. Pay ¥1,066.19 by 10 Mar, today." in text
        assert "The lender tries Salary card ••1234 again on 10 Mar, today, at 15:30." in text
        assert "The agreement names no penalty for being late." in text

    def test_a_try_whose_moment_has_come_is_not_named(self, story: Story, noon: Any) -> None:
        """The next window is at 15:30; a day later, nothing is recorded of it yet."""
        post(story.url(), "no")
        for moment in (at("2026-03-10", 15) + timedelta(minutes=30), at("2026-03-11")):
            noon.move_to(moment)
            after = self.after(story, moment)
            assert after is not None
            assert (after.next_try, after.gave_up) == (None, False)
            text = page(Client().get(story.url()))
            assert "again on" not in text
            assert "will not try again" not in text

    def test_answered_a_day_late_the_next_try_is_still_to_come(self, story: Story, noon: Any) -> None:
        noon.move_to(at("2026-03-11"))
        post(story.url(), "no")
        text = page(Client().get(story.url()))
        assert "The lender tries Salary card ••1234 again on 11 Mar, today, at 15:30." in text

    def test_a_lender_that_will_not_try_again_is_said_to_have_given_up(self, story: Story) -> None:
        """Once its cap is 1,000.00 it takes nothing of 1,066.19; nor does it once auto-repay has ended."""
        post(story.url(), "no")
        AutoRepayMandate.objects.filter(loan=story.loan).update(cap=100_000)
        said = [self.after(story)]
        end_mandate(scope=story.loan, recording=make.recording(NOON))
        story.debit.loan.refresh_from_db()
        said.append(self.after(story))
        assert [(one.next_try, one.gave_up) for one in said if one] == [(None, True)] * 2
        assert "The lender will not try again: pay by hand." in page(Client().get(story.url()))

    def test_being_late_has_its_price_from_the_debit_day_on(self, noon: Any) -> None:
        """18 % a year on the 946.19 of principal: 0.4731 a day, so 0.47 for one day, 1.42 for three, 1.89 for four."""
        story = told(penalty=PenaltyTerms(annual_rate=Decimal("0.18")))
        url = story.url()
        post(url, "no", reason="insufficient")
        text = page(Client().get(url))
        assert "No penalty until 10 Mar, today. From 11 Mar on, being late costs about ¥0.47 (estimated)." in text
        noon.move_to(at("2026-03-13"))
        after = self.after(story, at("2026-03-13"))
        assert after is not None
        assert (after.to_pay, after.days_late, after.so_far, after.costs) == (INSTALLMENT + 142, 3, 142, 189)
        text = page(Client().get(url))
        assert "It was payable 10 Mar, 3 days ago; paying it today takes ¥1,067.61." in text
        assert "Penalty so far ¥1.42, tomorrow ¥1.89 (estimated)." in text

    def test_a_bill_paid_otherwise_since_asks_for_nothing(self, story: Story) -> None:
        post(story.url(), "no")
        make.repayment(story.loan, INSTALLMENT, DUE, NOON)
        assert self.after(story) is None
        assert "Nothing is left to pay on its bill." in page(Client().get(story.url()))


class TestService:
    def test_failed_and_debited_exclude_each_other(self, story: Story) -> None:
        recorded = say_it_failed(repayment=story.debit, reason=Reason.LENDER_OUTAGE, recording=make.recording(NOON))
        assert isinstance(recorded, Recorded)
        refused = say_it_was_debited(repayment=story.debit, recording=make.recording(NOON))
        assert isinstance(refused, Refusal)
        assert refused.code == "answered"
        assert story.answers() == [("reversal", "lender_outage", 0)]


class TestMail:
    def links(self, to: User) -> list[str]:
        [message] = [one for one in mail.outbox if one.to == [to.email]]
        html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
        written = re.findall(r"http\S+/answers/\S+", str(message.body))
        assert written == re.findall(r'href="(http[^"]+/answers/[^"]+)"', html)
        return written

    def test_it_names_the_debit_and_its_links_work_without_signing_in(self, story: Story) -> None:
        run(NOON)
        [message] = mail.outbox
        assert message.subject == "Did Bank of Tests debit ¥1,066.19 from Salary card ••1234 on 10 Mar?"
        body = " ".join(str(message.body).split())
        assert "On 10 Mar 2026, Bank of Tests was to debit ¥1,066.19 from Salary card ••1234." in body
        assert "You need not sign in. The links answer once, until 24 Mar 2026." in body
        yes, no = self.links(story.owner)
        assert (yes, no) == (
            f"http://localhost:8000{story.url()}?say=yes",
            f"http://localhost:8000{story.url()}?say=no",
        )
        client, before = Client(enforce_csrf_checks=True), fingerprint()
        parts = urlsplit(yes)
        shown = client.get(f"{parts.path}?{parts.query}")
        assert (shown.status_code, fingerprint() == before) == (200, True)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', _html(shown))[0]
        answer = client.post(f"{parts.path}?{parts.query}", {"answer": "yes", "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
        assert story.answers() == [("confirmation", "", story.owner.pk)]

    def test_in_chinese_it_says_the_same_as_the_pages(self, story: Story) -> None:
        reader = make.member(story.household, Role.EDITOR, language="zh-hans")
        run(NOON)
        [message] = [one for one in mail.outbox if one.to == [reader.email]]
        yes, no = self.links(reader)
        lines = str(message.body).splitlines()
        assert lines[lines.index(f"已扣款：{yes}") + 1] == f"扣款失败：{no}"
        assert f"查看贷款：http://localhost:8000{story.loan_url}" in lines
        for place in (story.url(reader), "/"):
            words = page(make.signed_in(reader).get(place)).split()
            assert [word for word in words if word in ("已扣款", "扣款失败")] == ["已扣款", "扣款失败"]

    def test_who_may_only_look_on_gets_no_link_that_answers(self, story: Story) -> None:
        viewer = make.member(story.household, Role.VIEWER)
        run(NOON)
        assert self.links(viewer) == []
        assert len(self.links(story.owner)) == 2


class TestOnThePages:
    def test_a_member_says_it_failed_on_a_page_that_tells_what_follows(self, story: Story) -> None:
        client = make.signed_in(story.owner)
        url = reverse("ledger:answer_presumed", args=[story.loan.pk, story.debit.pk])
        for place in ("/", story.loan_url, "/bills/?state=presumed", "/activity/"):
            assert f'href="{url}?say=no' in _html(client.get(place))
        before = fingerprint()
        assert client.get(f"{url}?say=no").status_code == 200
        assert fingerprint() == before
        data = {"answer": "no", "reason": "insufficient", "key": "key-of-a-form"}
        for _ in range(2):
            assert client.post(url, data)["Location"] == url
        assert story.answers() == [("reversal", "insufficient", story.owner.pk)]
        html = _html(client.get(url))
        assert "Bill 1 has been open again since 10 Mar." in html
        undo = reverse("ledger:reverse_fact", args=[story.loan.pk, Fact.objects.get(target=story.debit).pk])
        assert f'href="{undo}"' in html

    def test_the_reason_is_read_in_the_language_of_who_reads_it(self, story: Story) -> None:
        """Said by somebody who reads Chinese; on the answer's page, the mandate's and in both histories."""
        post(story.url(make.member(story.household, Role.EDITOR, language="zh-hans")), "no", reason="insufficient")
        answered = reverse("ledger:answer_presumed", args=[story.loan.pk, story.debit.pk])
        places = (answered, reverse("ledger:mandate", args=[story.loan.pk]), story.loan_url, "/activity/")
        reader = make.signed_in(make.member(story.household, Role.EDITOR, language="zh-hans"))
        for place in places:
            assert "Not enough money in the account" in page(make.signed_in(story.owner).get(place))
            assert "账户余额不足" in page(reader.get(place))

    def test_what_somebody_typed_is_shown_as_typed(self, story: Story) -> None:
        reverse_fact(fact=story.debit, recording=make.recording(NOON), note="卡换了 / new card")
        answered = reverse("ledger:answer_presumed", args=[story.loan.pk, story.debit.pk])
        for place in (answered, reverse("ledger:mandate", args=[story.loan.pk]), story.loan_url, "/activity/"):
            assert "卡换了 / new card" in page(make.signed_in(story.owner).get(place))

    @pytest.mark.parametrize(
        ("place", "at"),
        [
            ("needs", "/"),
            ("top", ""),
            ("line", ""),
            ("history", ""),
            ("row", "/bills/?state=presumed"),
            ("fact", "/activity/"),
        ],
    )
    def test_yes_is_answered_in_place(self, story: Story, place: str, at: str) -> None:
        client = make.signed_in(story.owner)
        piece = f"answer-{place}-{story.debit.pk}"
        assert f'id="{piece}"' in _html(client.get(at or story.loan_url))
        url = reverse("ledger:confirm_repayment", args=[story.loan.pk, story.debit.pk])
        told = []
        for key in ("key-of-one", "key-of-one", "key-of-two"):
            answer = client.post(url, {"key": key}, headers={"HX-Request": "true", "HX-Target": piece})
            told.append((answer.status_code, answer.content))
        assert told == [told[0]] * 3
        html = _html(answer)
        assert html.startswith(f'<div class="actions" id="{piece}" data-focus>')
        assert "Confirmed." in html
        undo = reverse("ledger:reverse_fact", args=[story.loan.pk, Fact.objects.get(target=story.debit).pk])
        assert f'href="{undo}"' in html
        assert story.answers() == [("confirmation", "", story.owner.pk)]
        assert f'id="{piece}"' not in _html(client.get(at or story.loan_url))

    def test_a_debit_that_met_two_bills_is_asked_about_once(self, story: Story) -> None:
        make.repayment(story.loan, INSTALLMENT + 500, DUE, NOON, presumed=True)
        rows = bills_page(story.household, DUE, {"state": "presumed"}).bills
        asked = [(bill.row.number, len(bill.paid_by), len(bill.to_confirm)) for bill in rows]
        assert asked == [(3, 1, 0), (2, 1, 1), (1, 1, 1)]

    def test_yes_works_without_javascript(self, story: Story) -> None:
        client = make.signed_in(story.owner)
        url = reverse("ledger:confirm_repayment", args=[story.loan.pk, story.debit.pk])
        answer = client.post(url, {"key": "key-of-one", "back": "bills"})
        assert (answer.status_code, answer["Location"]) == (302, "/bills/")
        assert story.answers() == [("confirmation", "", story.owner.pk)]

    def test_a_yes_after_somebody_elses_no_says_so_in_place(self, story: Story) -> None:
        client = make.signed_in(story.owner)
        say_it_failed(repayment=story.debit, reason=Reason.OTHER, recording=make.recording(NOON))
        url = reverse("ledger:confirm_repayment", args=[story.loan.pk, story.debit.pk])
        piece = f"answer-needs-{story.debit.pk}"
        answer = client.post(url, {"key": "key-of-one"}, headers={"HX-Request": "true", "HX-Target": piece})
        assert "Somebody already said it failed." in page(answer)
        assert [kind for kind, _, _ in story.answers()] == [Kind.REVERSAL]

    def test_a_viewer_and_a_stranger_answer_nothing(self, story: Story) -> None:
        url = reverse("ledger:answer_presumed", args=[story.loan.pk, story.debit.pk])
        viewer, stranger = make.member(story.household, Role.VIEWER), make.user()
        make.household(stranger)
        before = fingerprint()
        for person, status in ((viewer, 403), (stranger, 404)):
            client = make.signed_in(person)
            assert [client.get(url).status_code, client.post(url, {"answer": "no"}).status_code] == [status] * 2
        assert fingerprint() == before


def test_an_attempt_whose_debit_failed_stays_as_it_was_recorded(story: Story) -> None:
    post(story.url(), "no")
    [attempt] = AutoRepayAttempt.objects.filter(repayment=story.debit)
    assert (attempt.number, attempt.outcome, attempt.requested) == (1, "presumed", INSTALLMENT)


def _html(answer: HttpResponse) -> str:
    return answer.content.decode()


def _at_once(sends: list[Callable[[], HttpResponse]]) -> list[HttpResponse]:
    answers: list[HttpResponse] = []
    start = Barrier(len(sends))

    def send(it: Callable[[], HttpResponse]) -> None:
        start.wait()
        try:
            answers.append(it())
        finally:
            connection.close()

    threads = [Thread(target=send, args=(one,)) for one in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
