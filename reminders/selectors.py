"""What reminders need to know: who wants to hear what, and how things stand with a bill right now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.clock import local_day, zone
from ledger.loanmath.project import live
from ledger.models import AutoRepayAttempt, AutoRepayMandate, Bill, Household, Membership, User
from ledger.selectors.history import history
from reminders import rules
from reminders.models import (
    CATEGORIES,
    OCCASIONS,
    Kind,
    Reminder,
    ReminderChoice,
    ReminderPolicy,
    Snooze,
)
from reminders.occasions import Books, judge_occasion, read
from reminders.working_days import places, working_day_before


@dataclass(frozen=True, slots=True)
class Wishes:
    """The reminder policies of some households, those of single loans included, and by household the member who is
    told in the end of what nobody has paid."""

    of_household: dict[int, rules.Policy]
    of_loan: dict[int, rules.Policy]
    second: dict[int, int] = field(default_factory=dict)

    def policy(self, household_id: int, loan_id: int) -> rules.Policy:
        """What holds for a loan: its own policy, else its household's, else the default. Quiet hours are the people's,
        whatever loan it is about."""
        general = self.of_household.get(household_id, rules.DEFAULT)
        own = self.of_loan.get(loan_id)
        if own is None:
            return general
        return replace(own, quiet_from=general.quiet_from, quiet_until=general.quiet_until)

    def policies(self) -> list[rules.Policy]:
        """All that may hold for a loan of these households."""
        return [rules.DEFAULT, *self.of_household.values(), *self.of_loan.values()]


def wishes(households: Collection[int]) -> Wishes:
    """The wishes of these households, in one query."""
    of_household: dict[int, rules.Policy] = {}
    of_loan: dict[int, rules.Policy] = {}
    second: dict[int, int] = {}
    for row in ReminderPolicy.objects.filter(household__in=households):
        if row.loan_id is not None:
            of_loan[row.loan_id] = row.value
            continue
        of_household[row.household_id] = row.value
        if row.second_id is not None:
            second[row.household_id] = row.second_id
    return Wishes(of_household, of_loan, second)


def recipients(households: Collection[int]) -> dict[int, list[User]]:
    """By household, its members who can be written to, in one query."""
    found: defaultdict[int, list[User]] = defaultdict(list)
    for membership in writable_to().filter(household__in=households).select_related("user").order_by("pk"):
        found[membership.household_id].append(membership.user)
    return found


def muted_by(household: Household, user: User) -> frozenset[str]:
    """The categories of which a member wants to hear nothing."""
    choice = ReminderChoice.objects.filter(household=household, user=user).first()
    return frozenset(choice.muted) if choice is not None else frozenset()


def writable_to() -> QuerySet[Membership]:
    """The members of all households who can be written to."""
    return Membership.objects.filter(user__is_active=True).exclude(user__email="")


def judge(row: Reminder, now: datetime) -> rules.Verdict:
    """What becomes of a message that is about to be sent, as things stand right now."""
    return judge_in(circumstances([row], now), row, now)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides about some messages besides their bills: who is a member, and what people want. `places` are the
    countries that lenders of some loans name for their working days."""

    members: set[tuple[int, int]]  # household, user
    wishes: Wishes
    muted: dict[tuple[int, int], frozenset[str]]  # categories by household, user
    snoozes: dict[tuple[int, int], date]  # by bill, user
    places: dict[int, str]
    books: Books  # of the households of whose occasions some tell


def circumstances(rows: Sequence[Reminder], now: datetime) -> Circumstances:
    """The circumstances of messages whose bills come with their loans, in five queries however many they are, and six
    more where some tell of occasions."""
    homes, users = {row.household_id for row in rows}, {row.recipient_id for row in rows}
    bills = [row.bill for row in rows if row.bill is not None]
    there = Membership.objects.filter(household__in=homes, user__in=users, user__is_active=True)
    choices = ReminderChoice.objects.filter(household__in=homes, user__in=users)
    snoozes = Snooze.objects.filter(bill__in=bills, user__in=users).order_by("pk")  # the last one holds
    return Circumstances(
        members=set(there.values_list("household_id", "user_id")),
        wishes=wishes(homes),
        muted={(choice.household_id, choice.user_id): frozenset(choice.muted) for choice in choices},
        snoozes={(bill, user): until for bill, user, until in snoozes.values_list("bill_id", "user_id", "until")},
        places=places({bill.loan_id for bill in bills}),
        books=read({row.household_id for row in rows if row.kind in OCCASIONS and row.account_id is None}, now),
    )


def judge_in(around: Circumstances, row: Reminder, now: datetime) -> rules.Verdict:
    """What becomes of one of the messages that `around` was gathered for."""
    person = (row.household_id, row.recipient_id)
    is_member = person in around.members
    is_muted = CATEGORIES.get(row.kind) in around.muted.get(person, ())
    if row.kind in OCCASIONS:
        policy = around.wishes.policy(row.household_id, row.loan_id or 0)
        return judge_occasion(row, policy, around.books, now, is_member=is_member, is_muted=is_muted)
    if row.bill is None or row.about_on is None:
        if not is_member:
            return rules.Drop(rules.Reason.LEFT)
        return rules.Drop(rules.Reason.MUTED) if is_muted else rules.Send()
    local = zone(row.household.time_zone)
    policy = around.wishes.policy(row.household_id, row.bill.loan_id)
    asked = replace(_asked(around, row, row.bill), is_member=is_member, is_muted=is_muted)
    if row.kind == Kind.STEP:
        return rules.judge_step(policy, row.step, row.about_on, asked, now, local)
    if row.kind == Kind.CONFIRM:
        return rules.judge_question(policy, asked, now, local, is_open=_is_presumed(row))
    if row.kind == Kind.KEEP_ON:
        return rules.judge_question(policy, asked, now, local, is_open=_is_asked(row))
    if row.kind == Kind.ATTEMPT_DONE:
        return _judge_done(row, policy, asked, now)
    if AutoRepayAttempt.objects.filter(bill=row.bill, pk__gt=row.attempt_id or 0).exists():
        return rules.Drop(rules.Reason.OVERTAKEN)
    return rules.judge_notice(policy, row.about_on, asked, now, local)


def _judge_done(row: Reminder, policy: rules.Policy, asked: rules.Asked, now: datetime) -> rules.Verdict:
    """The notice that a debit went well, unless its repayment was undone since."""
    assert row.attempt is not None  # reminder_subject_of_its_kind
    assert row.bill is not None
    standing = {fact.id for fact in live(history(row.bill.loan).recorded)}
    if row.attempt.repayment_id not in standing:
        return rules.Drop(rules.Reason.GONE)
    return rules.judge_question(policy, asked, now, zone(row.household.time_zone), is_open=True)


def _asked(around: Circumstances, row: Reminder, bill: Bill) -> rules.Asked:
    loan, time_zone = bill.loan, row.household.time_zone
    return rules.Asked(
        payable_on=bill.payable_on,
        open_amount=bill.open.total if bill.is_needed else 0,
        since=local_day(loan.opened_at, time_zone),
        is_archived=loan.archived_at is not None,
        starts_on=bill.starts_on if bill.deferred_from is None else None,
        grace_days=loan.grace_days,
        working_on=working_day_before(bill.payable_on, around.places.get(loan.pk, ""), time_zone),
        presumed=bill.presumed if bill.is_needed else 0,
        is_second=around.wishes.second.get(row.household_id) == row.recipient_id,
        snoozed_until=around.snoozes.get((bill.pk, row.recipient_id)),
    )


def _is_presumed(row: Reminder) -> bool:
    """Whether the repayment a question is about still stands and nobody has confirmed it."""
    if row.attempt is None or row.bill is None:
        return False
    return row.attempt.repayment_id in {fact.id for fact in history(row.bill.loan).presumed()}


def _is_asked(row: Reminder) -> bool:
    """Whether the mandate that failed again and again is still on, and nobody has said what to do."""
    mandates = AutoRepayMandate.objects.live().filter(attempts=row.attempt_id, asked_at__isnull=False)
    return mandates.exists()


def what_words(row: Reminder) -> str:
    """Which message it is: "3 days before", "failed debit"."""
    if row.kind in OCCASIONS:
        return occasion_words(row)
    if row.kind != Kind.STEP or row.about_on is None:
        return str(Kind(row.kind).label)
    if rules.is_numbered(row.step):
        return step_words(rules.step_of(row.step))
    return other_step_words(row.step)


OTHER_STEPS = {
    rules.Also.ISSUED: gettext_lazy("when the bill comes out"),
    rules.Also.WORKING_DAY: gettext_lazy("on the last working day before"),
    rules.Also.EVENING: gettext_lazy("on the evening of the due day"),
    rules.Also.GRACE: gettext_lazy("on the last day of grace"),
}


def other_step_words(key: str) -> str:
    """A step that is no number of days in words: "on the evening of the due day"."""
    if key == rules.SECOND:
        return _("on the due day, to the second person")
    name, _dash, late = key.partition("-")
    if name == rules.Also.PAST_DUE:
        return _("the day before it is %(count)s days past due") % {"count": late}
    return str(OTHER_STEPS[rules.Also(name)])


def occasion_words(row: Reminder) -> str:
    """What a message about an occasion is about: "account runs short, 3 days before"."""
    kind = str(Kind(row.kind).label)
    if not row.step:
        return kind
    return _("%(kind)s, %(step)s") % {"kind": kind, "step": occasion_step_words(rules.step_of(row.step))}


def occasion_step_words(step: int) -> str:
    """How long before, in words: "3 days before"."""
    return ngettext("%(count)d day before", "%(count)d days before", -step) % {"count": -step}


def step_words(step: int) -> str:
    """A step in words: "3 days before", "on the due day"."""
    if step == 0:
        return _("on the due day")
    if step < 0:
        return ngettext("%(count)d day before", "%(count)d days before", -step) % {"count": -step}
    return ngettext("%(count)d day after", "%(count)d days after", step) % {"count": step}
