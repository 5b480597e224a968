"""What is to be told to whom: the outbox of reminders and notices, and what each household wants to hear."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models import AutoRepayAttempt, Bill, FundingAccount, Household, Loan
from ledger.querysets import HouseholdQuerySet
from reminders import rules


class Kind(models.TextChoices):
    """What a message is about; see `rules.Category` for what can be switched off together."""

    STEP = "step", _("bill reminder")
    ATTEMPT_DONE = "attempt_done", _("debit done")
    ATTEMPT_FAILED = "attempt_failed", _("failed debit")
    ATTEMPT_PARTIAL = "attempt_partial", _("debit in part")
    CONFIRM = "confirm", _("please confirm a debit")
    KEEP_ON = "keep_on", _("auto-repay fails again and again")
    SHORTFALL = "shortfall", _("account runs short")
    COUPON = "coupon", _("coupon expires")
    PROMOTION = "promotion", _("promotional rate ends")
    REPRICING = "repricing", _("the rate is set anew")
    LOCK_IN = "lock_in", _("early repayment becomes free")
    MANDATE_EXPIRING = "mandate_expiring", _("auto-repay expires")
    PAID_OFF = "paid_off", _("loan paid off")
    DIGEST = "digest", _("monthly digest")
    TEST = "test", _("test mail")


OF_ATTEMPT = [Kind.ATTEMPT_DONE, Kind.ATTEMPT_FAILED, Kind.ATTEMPT_PARTIAL, Kind.CONFIRM, Kind.KEEP_ON]
OF_LOAN = [Kind.COUPON, Kind.PROMOTION, Kind.REPRICING, Kind.LOCK_IN, Kind.MANDATE_EXPIRING, Kind.PAID_OFF]
OF_HOUSEHOLD = [Kind.DIGEST]
OCCASIONS = [Kind.SHORTFALL, *OF_LOAN, Kind.DIGEST]  # what `occasion_rules` decides about

CATEGORIES: dict[str, rules.Category] = {  # of each kind but a test, which its recipient asks for
    Kind.STEP: rules.Category.BILLS,
    Kind.SHORTFALL: rules.Category.ACCOUNTS,
    **dict.fromkeys(OF_ATTEMPT, rules.Category.DEBITS),
    **dict.fromkeys(OF_LOAN, rules.Category.LOANS),
    **dict.fromkeys(OF_HOUSEHOLD, rules.Category.DIGEST),
}


class State(models.TextChoices):
    """From `inflight` on the message may have left; only an answer of the mail server tells."""

    PLANNED = "planned", _("planned")
    SENDING = "sending", _("sending")
    INFLIGHT = "inflight", _("being handed over")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    UNCERTAIN = "uncertain", _("uncertain")
    SUPERSEDED = "superseded", _("not needed")


class Channel(models.TextChoices):
    EMAIL = "email", _("e-mail")
    PUSH = "push", _("another channel")  # a `Destination`


class Reason(models.TextChoices):
    """Why a planned message was not sent; see `rules.Reason`."""

    SETTLED = rules.Reason.SETTLED.value, _("nothing was left to pay")
    MOVED = rules.Reason.MOVED.value, _("the bill moved to another day")
    OVERTAKEN = rules.Reason.OVERTAKEN.value, _("a more urgent one took its place")
    SWITCHED_OFF = rules.Reason.SWITCHED_OFF.value, _("switched off in the settings")
    ARCHIVED = rules.Reason.ARCHIVED.value, _("the loan was put away")
    LEFT = rules.Reason.LEFT.value, _("the recipient left the household")
    MUTED = rules.Reason.MUTED.value, _("the recipient does not want these")
    ANSWERED = rules.Reason.ANSWERED.value, _("it was answered already")
    GONE = rules.Reason.GONE.value, _("it no longer held by then")


_TAKEN = Q(state__in=[State.SENDING.value, State.INFLIGHT.value])


def _about(*names: str, kinds: list[Kind]) -> Q:
    """Messages of some kinds that have just these of the fields that say what they are about."""
    every = ("bill", "about_on", "attempt", "account", "loan")
    return Q(kind__in=[kind.value for kind in kinds], **{f"{name}__isnull": name not in names for name in every})


ATTENTION = [State.FAILED, State.UNCERTAIN]  # what its recipient has to be told of in the app
RESTORED = "the books were restored from a backup"  # the error of a message held back because of that


class ReminderQuerySet(HouseholdQuerySet["Reminder"]):
    def due(self, now: datetime) -> ReminderQuerySet:
        """Planned messages whose next try is now or past, the longest waiting first."""
        return self.filter(state=State.PLANNED, next_at__lte=now).order_by("next_at", "id")

    def stuck(self, now: datetime) -> ReminderQuerySet:
        """Messages that a worker took and has not brought to an end within its lease."""
        return self.filter(_TAKEN, lease_until__lte=now)

    def to_try_again(self, now: datetime, most_attempts: int, most_refusals: int) -> ReminderQuerySet:
        """Failed messages whose next try has come, and that are neither worn out nor refused for good."""
        return self.filter(state=State.FAILED, next_at__lte=now, attempts__lt=most_attempts, refusals__lt=most_refusals)

    def to_resend(self, now: datetime, since: datetime, most_attempts: int) -> ReminderQuerySet:
        """Uncertain messages whose next try has come, no longer ago than `since`; never those of before a restore."""
        lost = self.filter(state=State.UNCERTAIN, next_at__lte=now, next_at__gt=since, attempts__lt=most_attempts)
        return lost.exclude(error=RESTORED)


class Reminder(models.Model):
    """One message about one subject to one person on one channel, and what became of it.

    A step of a bill is known by the bill, the day it was payable (`about_on`) and `step` ("T-3"): a bill that moves to
    another day has new ones. Notices are known by the attempt they tell of; everything else by its loan or account and
    the day it is about. `message_id` is fixed from the start and the same for the same subject, recipient and channel:
    it is what keeps a message from being planned twice, and lets a mail store fold a repeat. `send_at` is when it was
    due, `next_at` when it is looked at next. Messages that go out as one letter share a `token`, and from the moment
    the letter may have left also its Message-ID, `letter`: should it be sent again, it is the same letter. How often
    a worker took it and was lost before it could have left is `lost_leases`.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="reminders")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reminders")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, null=True, related_name="reminders")
    about_on = models.DateField(null=True)
    step = models.CharField(max_length=12, blank=True)
    attempt = models.ForeignKey(AutoRepayAttempt, on_delete=models.CASCADE, null=True, related_name="reminders")
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, null=True, related_name="reminders")
    account = models.ForeignKey(FundingAccount, on_delete=models.CASCADE, null=True, related_name="reminders")
    destination = models.ForeignKey("Destination", on_delete=models.SET_NULL, null=True, related_name="reminders")
    created_at = models.DateTimeField()
    send_at = models.DateTimeField()
    next_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=200, unique=True)
    letter = models.CharField(max_length=200, blank=True)
    address = models.EmailField(blank=True)
    subject = models.CharField(max_length=250, blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bill", "about_on", "step", "recipient"],
                condition=Q(kind=Kind.STEP, channel=Channel.EMAIL),
                name="reminder_step_once",
            ),
            models.UniqueConstraint(
                fields=["attempt", "kind", "recipient"],
                condition=Q(attempt__isnull=False, channel=Channel.EMAIL),
                name="reminder_attempt_once",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="reminder_channel_known"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="reminder_state_known"),
            models.CheckConstraint(
                condition=_about("bill", "about_on", kinds=[Kind.STEP]) & ~Q(step="")
                | _about("bill", "about_on", "attempt", kinds=OF_ATTEMPT) & Q(step="")
                | _about("account", "about_on", kinds=[Kind.SHORTFALL]) & ~Q(step="")
                | _about("loan", "about_on", kinds=OF_LOAN)
                | _about("about_on", kinds=OF_HOUSEHOLD) & Q(step="")
                | _about(kinds=[Kind.TEST]) & Q(step=""),
                name="reminder_subject_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.SENDING, State.INFLIGHT], lease_until__isnull=False) & ~Q(token="")
                | ~Q(state__in=[State.SENDING, State.INFLIGHT]),
                name="reminder_taken_with_lease",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SENT, sent_at__isnull=False) | ~Q(state=State.SENT) & Q(sent_at__isnull=True),
                name="reminder_sent_at_when_sent",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SUPERSEDED, reason__in=Reason.values) | ~Q(state=State.SUPERSEDED),
                name="reminder_superseded_with_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_at", "id"], name="reminder_due"),
            models.Index(fields=["lease_until"], condition=Q(lease_until__isnull=False), name="reminder_stuck"),
            models.Index(fields=["household", "-send_at", "-id"], name="reminder_household_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.step or self.kind} to {self.recipient_id}: {self.state}"


def _also() -> list[str]:
    return [also.value for also in rules.DEFAULT.also]


class ReminderPolicy(models.Model):
    """What a household wants to be reminded of, or what it wants otherwise for one `loan`; `rules.Policy` as a row.

    `second` is the member told at 18:00 of the due day of what nobody has paid or confirmed; of a household only.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="reminder_policies")
    loan = models.OneToOneField(Loan, on_delete=models.CASCADE, null=True, related_name="reminder_policy")
    is_on = models.BooleanField(default=True)
    days = models.JSONField(default=list)
    then_every = models.PositiveSmallIntegerField(default=rules.DEFAULT.then_every)
    hour = models.PositiveSmallIntegerField(default=rules.DEFAULT.hour)
    also = models.JSONField(default=_also)
    quiet_from = models.PositiveSmallIntegerField(default=rules.QUIET_FROM)
    quiet_until = models.PositiveSmallIntegerField(default=rules.QUIET_UNTIL)
    second = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household"], condition=Q(loan__isnull=True), name="policy_one_a_household"
            ),
            models.CheckConstraint(
                condition=Q(hour__lte=23, quiet_from__lte=23, quiet_until__lte=23), name="policy_hours_of_a_day"
            ),
            models.CheckConstraint(condition=Q(then_every__lte=90), name="policy_then_every_at_most_90"),
        ]
        verbose_name_plural = "reminder policies"

    def __str__(self) -> str:
        return f"{self.loan or self.household}: {self.days}"

    @property
    def value(self) -> rules.Policy:
        """This policy as the rules read it."""
        also = tuple(also for also in rules.Also if also.value in self.also)
        return rules.Policy(
            tuple(self.days), self.then_every, self.hour, self.is_on, also, self.quiet_from, self.quiet_until
        )


class ReminderChoice(models.Model):
    """What one member of a household does not want to be told: categories (`rules.Category`) switched off."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="reminder_choices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reminder_choices")
    muted = models.JSONField(default=list)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "user"], name="choice_one_a_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.household_id}: {self.muted}"


class Snooze(models.Model):
    """One member wants to hear nothing of a bill before `until`, a day no later than the bill is payable."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="snoozes")
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="snoozes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="snoozes")
    until = models.DateField()
    key = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="snooze_key_once"),
        ]
        indexes = [models.Index(fields=["bill", "user", "-id"], name="snooze_latest")]

    def __str__(self) -> str:
        return f"bill {self.bill_id} until {self.until}"


class Destination(models.Model):
    """Where else a person is told: one Apprise URL, encrypted (`secrets`), never shown again.

    One that `is_always` gets every message next to the e-mail; the others, in the order of `position`, take over when
    the mail cannot be delivered. `kind` is the scheme's own name ("ntfy"), `label` what its owner calls it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="destinations")
    kind = models.CharField(max_length=20)
    label = models.CharField(max_length=80, blank=True)
    secret = models.TextField()
    is_always = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label or self.kind


class CalendarLink(models.Model):
    """The private address under which a member's calendar is read; it opens nothing else. Revoked by a new `nonce`."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="calendar_links")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_links")
    nonce = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "user"], name="calendar_one_a_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.household_id}"


class CalendarEdition(models.Model):
    """What the calendar last said of a loan beside its bills: `mark` is its digest, `number` goes up by one whenever
    that is found to be another, last at `changed_at` (None: never)."""

    loan = models.OneToOneField(Loan, on_delete=models.CASCADE, primary_key=True, related_name="calendar_edition")
    mark = models.CharField(max_length=32)
    number = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.loan_id} in edition {self.number}"


class LoanWatch(models.Model):
    """How far a loan's reminders are planned: `next_at` is the next moment at which a step comes into sight.

    A loan whose `version` has moved on, or whose household has moved to another time zone, is planned anew;
    so are paying, undoing and rescheduling noticed without anyone telling.
    """

    loan = models.OneToOneField(Loan, on_delete=models.CASCADE, primary_key=True, related_name="watch")
    version = models.PositiveIntegerField()
    time_zone = models.CharField(max_length=64)
    planned_on = models.DateField()
    next_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="watch_next"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} at version {self.version}"


class OccasionWatch(models.Model):
    """How far the occasions of a household are planned: they are looked at anew at `next_at` (None: not before there
    is news), when there is news in its books (`seen` is a mark of how far they went), and in another time zone."""

    household = models.OneToOneField(
        Household, on_delete=models.CASCADE, primary_key=True, related_name="occasion_watch"
    )
    time_zone = models.CharField(max_length=64)
    planned_on = models.DateField()
    next_at = models.DateTimeField(null=True)
    seen = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.household_id} on {self.planned_on}"


class Restore(models.Model):
    """The books were replaced at `restored_at` by those of `backup_at`; what was mailed in between, nobody knows."""

    backup_at = models.DateTimeField()
    restored_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(restored_at__gte=F("backup_at")), name="restore_after_its_backup"),
        ]

    def __str__(self) -> str:
        return f"{self.backup_at} at {self.restored_at}"
