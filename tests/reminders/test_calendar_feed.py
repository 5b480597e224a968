"""The calendar: what stands in it, that programs can read it, and who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar, Event

from ledger.models import AutoRepayMandate, Bill, FundingAccount, Household, Lender, Loan, Membership, Role, User
from ledger.selectors.history import history
from ledger.services.agreement import defer_bill
from ledger.services.mandates import authorize_mandate
from ledger.services.recording import Recorded
from reminders import rules
from reminders.calendar_feed import KEPT, calendar_of
from reminders.models import CalendarLink
from reminders.services.calendar_links import calendar_url, end_link, new_link, note_reading
from reminders.services.policies import forget_policy, set_policy
from tests import builders as make
from tests.builders import at
from tests.security.world import fingerprint

pytestmark = [pytest.mark.django_db, pytest.mark.service]

OPENED = at("2026-02-10")
DUE = date(2026, 3, 10)
INSTALLMENT = 106_619
NOW = at("2026-03-03")


@dataclass(frozen=True, slots=True)
class Story:
    """Twelve bills of 1,066.19 from 10 March on, debited from a card at 09:00; it is noon on 3 March."""

    owner: User
    member: Membership
    household: Household
    loan: Loan
    account: FundingAccount

    def url(self) -> str:
        return calendar_url(CalendarLink.objects.get(), self.member).removeprefix("http://localhost:8000")

    def body(self, now: datetime = NOW, language: str = "en") -> bytes:
        return calendar_of(household=self.household, language=language, now=now)

    def events(self, now: datetime = NOW) -> dict[str, Event]:
        """By UID without its host."""
        read = Calendar.from_ical(self.body(now))
        return {str(event["uid"]).partition("@")[0]: event for event in read.walk("VEVENT")}

    def bill(self, number: int = 1, now: datetime = NOW) -> Event:
        return self.events(now)[f"bill-{self.loan.pk}-{number}"]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def story(db: None, clock: Any) -> Story:
    return told()


def told(time_zone: str = "Asia/Shanghai") -> Story:
    owner = make.user()
    household = make.household(owner, time_zone=time_zone)
    loan = make.loan(household, now=OPENED, disbursed_on=date(2026, 2, 10), first_due_on=DUE)
    account = make.account(household)
    authorize_mandate(scope=loan, sources=[account], recording=make.recording(OPENED))
    member = Membership.objects.get(user=owner)
    new_link(member=member, now=NOW)
    return Story(owner, member, household, loan, account)


def debits(events: dict[str, Event]) -> list[Event]:
    return [event for uid, event in events.items() if uid.startswith("debit-")]


class TestWhatStandsInIt:
    def test_a_bill_is_a_day_with_its_amount_lender_and_link(self, story: Story) -> None:
        event = story.bill()
        assert event["summary"] == "¥1,066.19 to Bank of Tests"
        assert (event.decoded("dtstart"), event.decoded("dtend")) == (DUE, date(2026, 3, 11))
        assert (event["status"], event["transp"], event["class"]) == ("CONFIRMED", "TRANSPARENT", "PRIVATE")
        url = f"http://localhost:8000/loans/{story.loan.pk}/#standing-{story.loan.bills.get(number=1).pk}"
        assert (event["url"], event["description"]) == (url, f"Bill 1 of Laptop\n{url}")
        assert len([uid for uid in story.events() if uid.startswith("bill-")]) == 12

    def test_a_debit_is_a_moment_in_the_households_zone(self, story: Story) -> None:
        first = debits(story.events())[0]
        start = first.decoded("dtstart")
        assert (start.date(), str(start.tzinfo)) == (DUE, "Asia/Shanghai")
        assert first.decoded("duration") == timedelta(minutes=15)
        assert first["summary"] == "Bank of Tests debits ¥1,066.19"

    def test_a_debit_lasts_as_long_in_the_hour_that_comes_twice(self) -> None:
        home = make.household(make.user(), time_zone="America/New_York")
        loan = make.loan(home, now=at("2026-09-10"), disbursed_on=date(2026, 10, 1), first_due_on=date(2026, 11, 1))
        card = make.account(home)
        authorize_mandate(scope=loan, sources=[card], recording=make.recording(at("2026-09-10")))
        AutoRepayMandate.objects.update(windows=["01:50"])
        read = Calendar.from_ical(calendar_of(household=home, language="en", now=at("2026-10-20")))
        first = debits({str(event["uid"]): event for event in read.walk("VEVENT")})[0]
        assert f"{first.decoded('dtstart'):%m-%d %H:%M}" == "11-01 01:50"
        assert first.decoded("duration") == timedelta(minutes=15)
        assert "dtend" not in first

    def test_alarms_are_the_steps_up_to_the_day_at_the_hour_of_reminders(self, story: Story) -> None:
        set_policy(household=story.household, policy=rules.Policy((-7, -1, 0, 3), hour=9), now=NOW)
        alarms = story.bill().walk("VALARM")
        assert [alarm.decoded("trigger") for alarm in alarms] == [
            timedelta(days=-7, hours=9),
            timedelta(days=-1, hours=9),
            timedelta(hours=9),
        ]
        assert {str(alarm["action"]) for alarm in alarms} == {"DISPLAY"}

    def test_a_loan_with_a_ladder_of_its_own_and_none_where_it_is_off(self, story: Story) -> None:
        set_policy(household=story.household, loan=story.loan, policy=rules.Policy((-3,), hour=20), now=NOW)
        [alarm] = story.bill().walk("VALARM")
        assert alarm.decoded("trigger") == timedelta(days=-3, hours=20)
        set_policy(household=story.household, loan=story.loan, policy=rules.Policy(is_on=False), now=NOW)
        assert story.bill().walk("VALARM") == []

    def test_it_speaks_the_members_language(self, story: Story) -> None:
        member = make.member(story.household, language="zh-hans")
        link = new_link(member=Membership.objects.get(user=member), now=NOW)
        url = calendar_url(link, Membership.objects.get(user=member)).removeprefix("http://localhost:8000")
        assert Client().get(url).content == story.body(language="zh-hans")

    def test_a_loan_put_away_is_not_in_it(self, story: Story) -> None:
        Loan.objects.filter(pk=story.loan.pk).update(archived_at=NOW)
        assert story.events() == {}


class TestChange:
    def test_nothing_changes_where_nothing_has_changed(self, story: Story) -> None:
        assert story.body() == story.body(at("2026-03-05"))

    def test_a_payment_cancels_its_bill_and_debit_and_raises_the_sequence(self, story: Story) -> None:
        before = story.events()
        make.repayment(story.loan, INSTALLMENT, date(2026, 3, 3), NOW)
        after = story.events()
        name = f"bill-{story.loan.pk}-1"
        assert before.keys() == after.keys()
        assert (before[name]["status"], after[name]["status"]) == ("CONFIRMED", "CANCELLED")
        assert after[name]["sequence"] > before[name]["sequence"]
        assert after[name].decoded("last-modified") == NOW
        assert after[name].decoded("dtstart") == DUE
        assert after[name].walk("VALARM") == []
        assert after[f"bill-{story.loan.pk}-2"]["status"] == "CONFIRMED"
        first = next(uid for uid in before if uid.startswith(f"debit-{story.loan.pk}-1-"))
        assert (before[first]["status"], after[first]["status"]) == ("CONFIRMED", "CANCELLED")

    def test_what_was_paid_stays_cancelled_for_sixty_days(self, story: Story) -> None:
        make.repayment(story.loan, INSTALLMENT, date(2026, 3, 3), NOW)
        assert story.bill(now=NOW + KEPT)["status"] == "CANCELLED"
        later = story.events(NOW + KEPT + timedelta(days=1))
        assert f"bill-{story.loan.pk}-1" not in later

    def test_a_bill_that_moves_moves_its_event(self, story: Story) -> None:
        before = story.bill()
        moved = defer_bill(
            loan=story.loan,
            bill_number=1,
            moved_to=date(2026, 3, 20),
            agreed_on=date(2026, 3, 3),
            recording=make.recording(NOW),
        )
        assert isinstance(moved, Recorded)
        after = story.bill()
        assert after.decoded("dtstart") == date(2026, 3, 20)
        assert after["uid"] == before["uid"]
        assert after["sequence"] > before["sequence"]

    def test_a_loan_settled_early_cancels_the_bills_nobody_needs_any_more(self, story: Story) -> None:
        payoff = history(story.loan).payoff_quote(date(2026, 3, 3)).total
        make.repayment(story.loan, payoff, date(2026, 3, 3), NOW, apply_to="payoff")
        assert {event["status"] for event in story.events().values()} == {"CANCELLED"}
        assert not Bill.objects.filter(loan=story.loan).open().exists()

    def test_a_new_name_and_other_alarms_raise_the_sequence_of_their_loan_alone(self, story: Story) -> None:
        other = make.loan(story.household, now=OPENED, name="Phone", first_due_on=DUE)
        Loan.objects.filter(pk=other.pk).update(lender=story.household.lenders.create(name="Bank of Phones"))

        def stamps(now: datetime) -> list[tuple[int, datetime]]:
            events = story.events(now)
            mine = [events[f"bill-{loan.pk}-1"] for loan in (story.loan, other)]
            return [(int(event["sequence"]), event.decoded("last-modified")) for event in mine]

        first = stamps(NOW)
        Lender.objects.filter(name="Bank of Tests").update(name="Bank of Names")
        later = at("2026-03-03", 13)
        assert stamps(later) == [(first[0][0] + 1, later), first[1]]
        assert story.bill()["summary"] == "¥1,066.19 to Bank of Names"
        assert stamps(at("2026-03-04")) == [(first[0][0] + 1, later), first[1]]
        set_policy(household=story.household, loan=other, policy=rules.Policy((-3,), hour=20), now=later)
        then = at("2026-03-05")
        assert stamps(then) == [(first[0][0] + 1, later), (first[1][0] + 1, then)]
        forget_policy(loan=other, now=then)
        again = at("2026-03-06")
        assert stamps(again)[1] == (first[1][0] + 2, again)

    def test_another_ladder_is_sent_again_with_a_higher_sequence(self, story: Story) -> None:
        first = Client().get(story.url())
        set_policy(household=story.household, policy=rules.Policy((-5,), hour=8), now=NOW)
        second = Client().get(story.url(), headers={"If-None-Match": first["ETag"]})
        read = [Calendar.from_ical(answer.content).walk("VEVENT") for answer in (first, second)]
        for before, after in zip(*read, strict=True):
            assert (after["uid"], after["sequence"]) == (before["uid"], before["sequence"] + 1)
        assert read[1][0].walk("VALARM")[0].decoded("trigger") == timedelta(days=-5, hours=8)


class TestReadable:
    """RFC 5545, as far as calendar programs hold a feed to it."""

    @pytest.mark.parametrize("time_zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC"])
    def test_it_keeps_the_rules(self, clock: Any, time_zone: str) -> None:
        story = told(time_zone)
        make.repayment(story.loan, INSTALLMENT, date(2026, 3, 3), NOW)
        Loan.objects.filter(pk=story.loan.pk).update(name="笔记本电脑，分十二期，" * 5)
        body = story.body(language="zh-hans")
        assert body.endswith(b"END:VCALENDAR\r\n")
        assert b"\n" not in body.replace(b"\r\n", b"")
        for line in body.split(b"\r\n"):
            assert len(line) <= 75
            line.decode()  # no character is cut in two
        read = Calendar.from_ical(body)
        assert (read["version"], read["calscale"], read["method"]) == ("2.0", "GREGORIAN", "PUBLISH")
        assert read["x-wr-calname"]
        assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H" in body
        known = {str(one["tzid"]) for one in read.walk("VTIMEZONE")}
        assert known == (set() if time_zone == "UTC" else {time_zone})
        events = read.walk("VEVENT")
        assert len({event["uid"] for event in events}) == len(events) > 20
        for event in events:
            assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE", "LAST-MODIFIED", "URL"} <= event.keys()
            assert event["status"] in {"CONFIRMED", "CANCELLED"}
            start = event.decoded("dtstart")
            end = event.decoded("dtend") if "dtend" in event else start + event.decoded("duration")
            assert type(start) is type(end)
            assert start < end
            assert not isinstance(start, datetime) or start.tzinfo is not None  # no floating times
            assert event.decoded("dtstamp").utcoffset() == timedelta(0)
            triggers = [alarm.decoded("trigger") for alarm in event.walk("VALARM")]
            assert all(-timedelta(days=60) < trigger < timedelta(days=1) for trigger in triggers)
            assert triggers == sorted(triggers)
            if event["status"] == "CONFIRMED" and not isinstance(start, datetime):
                assert triggers[0] < timedelta(0)
        assert read.to_ical() == body  # and back again, to the byte

    def test_the_zone_says_the_offset_of_its_debits(self, clock: Any) -> None:
        story = told("Europe/Berlin")
        starts = [event.decoded("dtstart") for event in debits(story.events())]
        offsets = {start.date().month: start.utcoffset() for start in starts}
        assert (offsets[3], offsets[7]) == (timedelta(hours=1), timedelta(hours=2))


class TestWho:
    def test_the_address_works_without_signing_in_and_is_cached_by_its_reader_alone(self, story: Story) -> None:
        answer = Client().get(story.url())
        assert (answer.status_code, answer.content) == (200, story.body())
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("private, no-cache", "noindex")
        assert dict(answer.cookies) == {}
        assert re.fullmatch(r"/calendar/\d+-[0-9a-f]{64}\.ics", story.url())

    def test_what_a_calendar_has_already_is_not_sent_again(self, story: Story) -> None:
        etag = Client().get(story.url())["ETag"]
        again = Client().get(story.url(), headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
        assert again["Cache-Control"] == "private, no-cache"
        make.repayment(story.loan, 100, date(2026, 3, 3), NOW)
        assert Client().get(story.url(), headers={"If-None-Match": etag}).status_code == 200

    def test_a_wrong_address_is_not_there(self, story: Story) -> None:
        right = story.url()
        wrong = [
            right.replace(".ics", "0.ics"),
            right[:-5] + ("0" if right[-5] != "0" else "1") + ".ics",
            "/calendar/1.ics",
            "/calendar/99999999999999999999-" + "0" * 64 + ".ics",
            "/calendar/999-" + "0" * 64 + ".ics",
            "/calendar/\u4e00.ics",
        ]
        assert [Client().get(url).status_code for url in wrong] == [404] * len(wrong)

    def test_it_opens_nothing_else(self, story: Story) -> None:
        client = Client()
        client.get(story.url())
        assert client.get("/").status_code == 302
        assert client.post(story.url()).status_code in {200, 403}
        token = story.url().rpartition("/")[2].removesuffix(".ics")
        for name in ("reminders:act", "reminders:unsubscribe", "ledger:answer_debit"):
            assert client.get(reverse(name, args=[token])).status_code == 404

    def test_a_new_address_ends_the_old_one_and_switching_off_ends_it_too(self, story: Story) -> None:
        first = story.url()
        new_link(member=story.member, now=NOW)
        second = story.url()
        assert [Client().get(url).status_code for url in (first, second)] == [404, 200]
        end_link(member=story.member)
        assert [Client().get(url).status_code for url in (first, second)] == [404, 404]

    def test_who_left_has_no_calendar_and_coming_back_revives_none(self, story: Story) -> None:
        someone = make.member(story.household, Role.VIEWER)
        member = Membership.objects.get(user=someone)
        url = calendar_url(new_link(member=member, now=NOW), member).removeprefix("http://localhost:8000")
        assert Client().get(url).status_code == 200
        member.delete()
        assert Client().get(url).status_code == 404
        Membership.objects.create(household=story.household, user=someone, role=Role.VIEWER)
        assert Client().get(url).status_code == 404

    def test_who_was_switched_off_has_no_calendar(self, story: Story) -> None:
        User.objects.filter(pk=story.owner.pk).update(is_active=False)
        assert Client().get(story.url()).status_code == 404

    def test_somebody_elses_bills_are_not_in_it(self, story: Story) -> None:
        make.loan(make.household(), now=OPENED)
        assert {uid.split("-")[1] for uid in story.events()} == {str(story.loan.pk)}

    def test_reading_is_kept_to_the_hour(self, story: Story) -> None:
        link = CalendarLink.objects.get()
        note_reading(link=link, now=NOW)
        before = fingerprint()
        link.refresh_from_db()
        note_reading(link=link, now=NOW + timedelta(minutes=59))
        assert fingerprint() == before
        note_reading(link=link, now=NOW + timedelta(minutes=60))
        link.refresh_from_db()
        assert link.read_at == NOW + timedelta(minutes=60)

    def test_fifty_loans_take_as_many_queries_as_one(self, story: Story) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as seen:
                story.body()
            return len(seen)

        story.body()
        one = queries()
        for number in range(49):
            loan = make.loan(story.household, now=OPENED, name=f"Loan {number}", first_due_on=DUE)
            authorize_mandate(scope=loan, sources=[story.account], recording=make.recording(OPENED))
        story.body()
        assert queries() == one == 7
        assert len(story.events()) > 1000


class TestPages:
    def test_the_address_is_made_shown_made_anew_and_switched_off(self, story: Story) -> None:
        member = make.member(story.household, Role.VIEWER)
        client, url = make.signed_in(member), reverse("reminders:calendar_settings")
        mine = Membership.objects.get(user=member)
        assert "Make an address" in _html(client.get(url))
        shown = []
        for _ in range(2):
            assert client.post(url)["Location"] == url
            shown.append(calendar_url(CalendarLink.objects.get(user=member), mine))
            assert shown[-1] in _html(client.get(url))
            assert "webcal://localhost:8000/calendar/" in _html(client.get(url))
        assert shown[0] != shown[1]
        assert client.post(url, {"off": "1"})["Location"] == url
        assert not CalendarLink.objects.filter(user=member).exists()

    def test_it_says_when_a_calendar_asked(self, story: Story) -> None:
        client, url = make.signed_in(story.owner), reverse("reminders:calendar_settings")
        assert "No calendar has asked for it yet." in _html(client.get(url))
        Client().get(story.url())
        assert "A calendar last asked for it at 3 Mar 12:00" in _html(client.get(url))

    def test_a_loan_can_be_taken_as_a_file(self, story: Story) -> None:
        other = make.loan(story.household, now=OPENED, name="Phone", first_due_on=DUE)
        answer = make.signed_in(story.owner).get(reverse("reminders:loan_calendar", args=[other.pk]))
        assert answer["Content-Disposition"] == f'attachment; filename="loan-{other.pk}.ics"'
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        assert {str(event["uid"]).split("-")[1] for event in events} == {str(other.pk)}
        whole = {str(event["uid"]): event.to_ical() for event in story.events().values()}
        assert all(whole[str(event["uid"])] == event.to_ical() for event in events)


def _html(answer: HttpResponse) -> str:
    return answer.content.decode()
