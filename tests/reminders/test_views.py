"""The pages of reminders, as owner, viewer, stranger and somebody logged out; plain and by htmx."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from django.urls import reverse

from ledger.models import Household, Loan, Role, User
from reminders import rules
from reminders.mailbox import kept_mails
from reminders.models import Kind, LoanWatch, Reminder, ReminderChoice, ReminderPolicy, State
from reminders.selectors import muted_by, wishes
from reminders.services import planning
from reminders.services.step_planning import to_plan
from reminders.tasks import run
from tests import builders
from tests.builders import at, signed_in

pytestmark = pytest.mark.django_db
MAILBOX = "reminders.mailbox.MailboxBackend"


@pytest.fixture
def mail_folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = MAILBOX
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    settings.MAIL_KEPT_LOCALLY = True
    return tmp_path / "mail"


def owner_of(home: Household) -> User:
    return home.memberships.get(role=Role.OWNER).user


def keep(address: str, subject: str, **headers: str) -> None:
    message = EmailMultiAlternatives(subject=subject, body="Dear you <b>", to=[address], headers=headers)
    message.attach_alternative("<p>Dear <script>alert(1)</script></p>", "text/html")
    get_connection().send_messages([message])


def reminded_loan(home: Household | None = None, **more: Any) -> Loan:
    return builders.loan(
        home, now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more
    )


PAGES = ["reminders:mailbox", "reminders:reminders", "reminders:settings"]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_members(name: str, mail_folder: Path) -> None:
    home = builders.household()
    for user in (owner_of(home), builders.member(home)):
        for headers in ({}, {"HX-Request": "true"}):
            assert signed_in(user).get(reverse(name), headers=headers).status_code == 200
    assert signed_in(builders.user()).get(reverse(name)).headers["Location"] == reverse("ledger:first_run")
    assert reverse("account_login") in Client().get(reverse(name)).headers["Location"]


def test_the_mailbox_shows_only_mail_to_the_reader_newest_first(mail_folder: Path) -> None:
    home = builders.household()
    me, other = owner_of(home), builders.member(home)
    keep(me.email.upper(), "An older mail")
    keep(me.email, "A newer mail")
    keep(other.email, "Somebody else's mail")
    page = signed_in(me).get(reverse("reminders:mailbox")).content.decode()
    assert page.index("A newer mail") < page.index("An older mail")
    assert "Somebody else" not in page
    assert "No mail server is set" in page
    theirs = next(path.name for path in mail_folder.iterdir() if b"Somebody" in path.read_bytes())
    assert signed_in(me).get(reverse("reminders:message", args=[theirs])).status_code == 404
    assert signed_in(other).get(reverse("reminders:message", args=[theirs])).status_code == 200


def test_a_mail_of_no_place_was_written_in_utc(mail_folder: Path) -> None:
    me = owner_of(builders.household())
    mail_folder.mkdir(exist_ok=True)
    (mail_folder / "one.eml").write_text(f"To: {me.email}\nDate: Sun, 01 Mar 2026 04:00:00 -0000\n\nWelcome")
    [mail] = kept_mails(me.email)
    assert mail.sent_at == datetime(2026, 3, 1, 4, tzinfo=UTC)


def test_a_mail_is_shown_as_text_and_its_html_cannot_act(mail_folder: Path) -> None:
    me = owner_of(builders.household())
    keep(me.email, "A mail")
    [file] = mail_folder.iterdir()
    page = signed_in(me).get(reverse("reminders:message", args=[file.name])).content.decode()
    assert "Dear you &lt;b&gt;" in page
    assert 'srcdoc="&lt;p&gt;Dear &lt;script&gt;alert(1)&lt;/script&gt;&lt;/p&gt;' in page
    assert "sandbox title" in page
    assert "<script>alert" not in page


def test_sending_the_same_message_again_replaces_the_kept_one(mail_folder: Path) -> None:
    me = owner_of(builders.household())
    for subject in ("First", "Second"):
        keep(me.email, subject, **{"Message-ID": "<../../one@example.com>"})
    assert [path.name for path in mail_folder.iterdir()] == ["_.._one_example.com.eml"]


@pytest.mark.parametrize("name", ["..%2f..%2fsecret_key", ".hidden.eml", "none.eml", "%00.eml", "a" * 5000 + ".eml"])
def test_a_name_that_is_no_kept_mail_is_not_found(name: str, mail_folder: Path) -> None:
    me = owner_of(builders.household())
    keep(me.email, "A mail")
    (mail_folder.parent / "secret_key").write_text(f"To: {me.email}\n\nsecret")
    (mail_folder / ".hidden.eml").write_text(f"To: {me.email}\n\nsecret")
    assert signed_in(me).get(f"/mailbox/{name}/").status_code == 404


def test_with_a_mail_server_there_is_no_mailbox(settings: Any) -> None:
    settings.MAIL_KEPT_LOCALLY = False
    client = signed_in(owner_of(builders.household()))
    assert client.get(reverse("reminders:mailbox")).status_code == 404
    assert client.get(reverse("reminders:message", args=["a.eml"])).status_code == 404


def test_a_reminder_reaches_the_mailbox_once_even_if_its_worker_dies_after_writing_it(mail_folder: Path) -> None:
    loan = reminded_loan()
    run(at("2026-03-09", 9))
    Reminder.objects.filter(state=State.SENT).update(
        state=State.SENDING, sent_at=None, token="dead", lease_until=at("2026-03-09", 10)
    )
    run(at("2026-03-09", 11))
    assert len(list(mail_folder.iterdir())) == 1
    page = signed_in(owner_of(loan.household)).get(reverse("reminders:mailbox")).content.decode()
    assert page.count("Bank of Tests: ¥1,066.19 due 10 Mar, tomorrow") == 1


def test_the_list_says_what_became_of_each_reminder_and_why(mail_folder: Path) -> None:
    loan = reminded_loan()
    run(at("2026-03-03", 9))
    run(at("2026-03-09", 12))
    stranger = reminded_loan(name="A stranger's loan")
    run(at("2026-03-09", 12))
    page = signed_in(owner_of(loan.household)).get(reverse("reminders:reminders")).content.decode()
    assert "Not sent: a later one took its place: 1 day before." in page
    assert "7 days before" in page
    assert "on the due day" in page
    assert stranger.name not in page


def test_the_list_costs_the_same_with_one_row_and_with_three(django_assert_num_queries: Any, mail_folder: Path) -> None:
    home = builders.household()
    client = signed_in(owner_of(home))
    for count in (1, 3):
        for number in range(count):
            reminded_loan(home, name=f"Loan {count} {number}")
        planning.plan(at("2026-03-08"))
        with django_assert_num_queries(9):
            client.get(reverse("reminders:reminders"))


@pytest.mark.parametrize("before", ["", "0", "-1", "x", "٣", "9" * 18, "9" * 5000, "1.5"])
def test_the_list_bears_any_page_asked_for(before: str) -> None:
    client = signed_in(owner_of(builders.household()))
    assert client.get(reverse("reminders:reminders"), {"before": before}).status_code == 200


def test_a_long_list_is_paged(mail_folder: Path) -> None:
    home = builders.household()
    me = owner_of(home)
    for number in range(60):
        Reminder.objects.create(
            household=home,
            recipient=me,
            kind=Kind.TEST,
            created_at=at("2026-03-01"),
            send_at=at("2026-03-01"),
            next_at=at("2026-03-01"),
            message_id=f"<{number}@example.com>",
        )
    first = signed_in(me).get(reverse("reminders:reminders")).content.decode()
    oldest_shown = Reminder.objects.order_by("-pk")[49].pk
    assert f"?before={oldest_shown}" in first
    rest = signed_in(me).get(reverse("reminders:reminders"), {"before": oldest_shown}).content.decode()
    assert rest.count('<li class="row">') == 10


def uncertain(loan: Loan) -> Reminder:
    planning.plan(at("2026-03-09", 8))
    Reminder.objects.filter(step="T-1").update(state=State.UNCERTAIN)
    return Reminder.objects.get(step="T-1")


def test_a_failed_or_uncertain_mail_can_be_sent_again_by_an_editor_only() -> None:
    loan = reminded_loan()
    row = uncertain(loan)
    url = reverse("reminders:send_again", args=[row.pk])
    assert signed_in(builders.member(loan.household)).post(url).status_code == 403
    assert signed_in(owner_of(builders.household())).post(url).status_code == 404
    assert reverse("account_login") in Client().post(url).headers["Location"]
    row.refresh_from_db()
    assert row.state == State.UNCERTAIN
    me = signed_in(owner_of(loan.household))
    assert me.get(url).status_code == 405
    assert me.post(url).headers["Location"] == reverse("reminders:reminders")
    row.refresh_from_db()
    assert row.state == State.PLANNED
    assert me.post(f"/reminders/{10**30}/again/").status_code == 404


CHOSEN = {
    **{"is_on": "on", "days": ["-5", "0", "7"], "also": ["working_day", "evening"], "then_every": "14", "hour": "18"},
    **{"quiet_from": "21", "quiet_until": "7", "second": ""},
}
ALSO = (rules.Also.WORKING_DAY, rules.Also.EVENING)


def test_the_household_chooses_days_and_hour_for_all_loans() -> None:
    loan = reminded_loan()
    planning.plan(at("2026-03-01"))
    me = signed_in(owner_of(loan.household))
    assert me.post(reverse("reminders:settings"), CHOSEN).headers["Location"] == reverse("reminders:settings")
    expected = rules.Policy((-5, 0, 7), 14, 18, True, ALSO, 21, 7)
    assert wishes([loan.household_id]).policy(loan.household_id, loan.pk) == expected
    assert to_plan(LoanWatch.objects.get().next_at or at("2026-03-01")).count() == 1
    page = me.get(reverse("reminders:settings")).content.decode()
    assert '<option value="18" selected>18:00</option>' in page


@pytest.mark.parametrize(
    "wrong",
    [
        *({"hour": "6"}, {"hour": "21"}, {"hour": "24"}, {"hour": "nan"}, {"then_every": "-1"}, {"days": ["x"]}),
        *({"days": ["9" * 5000]}, {"also": ["noon"]}, {"quiet_from": "24"}, {"quiet_until": ""}, {"second": "x"}),
    ],
)
def test_settings_that_cannot_be_are_said_at_their_field(wrong: dict[str, Any]) -> None:
    home = builders.household()
    answer = signed_in(owner_of(home)).post(reverse("reminders:settings"), CHOSEN | wrong)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(wrong)
    assert "errorlist" in answer.content.decode()
    assert not ReminderPolicy.objects.exists()


def test_an_hour_in_the_quiet_hours_is_refused_with_the_reason() -> None:
    loan = reminded_loan()
    me = signed_in(owner_of(loan.household))
    page = me.post(reverse("reminders:settings"), CHOSEN | {"hour": "22"}).content.decode()
    assert "Nobody is written to from 21:00 to 07:00. Choose another hour." in page
    url = reverse("reminders:loan_settings", args=[loan.pk])
    assert me.post(url, CHOSEN | {"follows": "own", "hour": "7"}).status_code == 422
    me.post(reverse("reminders:settings"), CHOSEN | {"quiet_from": "5", "quiet_until": "5"})
    assert me.post(url, CHOSEN | {"follows": "own", "hour": "7"}).status_code == 302
    assert wishes([loan.household_id]).of_loan[loan.pk].hour == 7


def test_the_second_person_is_a_member_of_the_household() -> None:
    home = builders.household()
    other, stranger = builders.member(home), builders.user()
    me = signed_in(owner_of(home))
    url = reverse("reminders:settings")
    assert me.post(url, CHOSEN | {"second": str(stranger.pk)}).status_code == 422
    assert me.post(url, CHOSEN | {"second": str(other.pk)}).status_code == 302
    assert wishes([home.pk]).second == {home.pk: other.pk}
    page = me.get(url).content.decode()
    assert f'<option value="{other.pk}" selected>tell {other.email} too</option>' in page
    assert stranger.email not in page
    assert me.post(url, CHOSEN).status_code == 302
    assert wishes([home.pk]).second == {}


def test_a_viewer_sees_the_settings_and_changes_nothing() -> None:
    loan = reminded_loan()
    viewer = signed_in(builders.member(loan.household))
    for url in (reverse("reminders:settings"), reverse("reminders:loan_settings", args=[loan.pk])):
        assert viewer.get(url).status_code == 200
        assert viewer.post(url, CHOSEN | {"follows": "own"}).status_code == 403
    assert not ReminderPolicy.objects.exists()


def test_a_loan_has_its_own_days_until_it_follows_its_household_again() -> None:
    loan = reminded_loan()
    url = reverse("reminders:loan_settings", args=[loan.pk])
    me = signed_in(owner_of(loan.household))
    assert me.post(url, CHOSEN | {"follows": "own"}).status_code == 302
    assert wishes([loan.household_id]).of_loan == {loan.pk: rules.Policy((-5, 0, 7), 14, 18, True, ALSO)}
    assert 'value="own"' in me.get(url).content.decode()
    assert me.post(url, CHOSEN | {"follows": "household"}).status_code == 302
    assert wishes([loan.household_id]).of_loan == {}


def test_each_member_chooses_what_to_hear_of() -> None:
    loan = reminded_loan()
    home = loan.household
    me, viewer = owner_of(home), builders.member(home)
    url = reverse("reminders:choose")
    answer = signed_in(viewer).post(url, {"wanted": ["debits", "digest"]})
    assert answer.headers["Location"] == reverse("reminders:settings")
    assert ReminderChoice.objects.get().muted == ["accounts", "bills", "loans"]
    assert (muted_by(home, viewer), muted_by(home, me)) == ({"accounts", "bills", "loans"}, frozenset())
    page = signed_in(viewer).get(reverse("reminders:settings")).content.decode()
    assert (
        page.count("checked") == signed_in(me).get(reverse("reminders:settings")).content.decode().count("checked") - 3
    )
    run(at("2026-03-09", 9))
    assert Reminder.objects.get(recipient=viewer, step="T-1").reason == rules.Reason.MUTED
    signed_in(viewer).post(url, {"wanted": ["bills"]})
    LoanWatch.objects.update(next_at=at("2026-03-09", 10))  # the page is of today
    run(at("2026-03-09", 10))
    assert Reminder.objects.get(recipient=viewer, step="T-1").state == State.SENT


def test_a_category_nobody_knows_is_refused_at_its_field() -> None:
    home = builders.household()
    answer = signed_in(owner_of(home)).post(reverse("reminders:choose"), {"wanted": ["weather"]})
    assert answer.status_code == 422
    assert answer.context["mine"].errors.keys() == {"wanted"}
    assert not ReminderChoice.objects.exists()


def test_a_strangers_loan_is_not_found() -> None:
    url = reverse("reminders:loan_settings", args=[reminded_loan().pk])
    stranger = signed_in(owner_of(builders.household()))
    assert stranger.get(url).status_code == stranger.post(url, CHOSEN).status_code == 404
    assert reverse("account_login") in Client().get(url).headers["Location"]


def test_a_test_mail_goes_the_real_way_once(mail_folder: Path) -> None:
    home = builders.household()
    viewer = builders.member(home, language="en")
    client = signed_in(viewer)
    for _ in range(2):
        client.post(reverse("reminders:send_test"), {"key": "the-same-key"})
    row = Reminder.objects.get(kind=Kind.TEST)
    run(row.send_at)
    [file] = mail_folder.iterdir()
    assert b"A test mail from Loantracker" in file.read_bytes()
    assert viewer.email.encode() in file.read_bytes()
    client.post(reverse("reminders:send_test"), {"key": "the-same-key"})
    assert Reminder.objects.filter(kind=Kind.TEST).count() == 1


def test_the_settings_cost_the_same_with_one_loan_and_with_three(django_assert_num_queries: Any) -> None:
    home = builders.household()
    client = signed_in(owner_of(home))
    for count in (1, 2):
        for number in range(count):
            reminded_loan(home, name=f"Loan {count} {number}")
        with django_assert_num_queries(9):
            page = client.get(reverse("reminders:settings")).content.decode()
    assert page.count("As for all loans") == 3
