"""What is to be told to whom: the outbox of reminders and notices, and what each household wants to hear."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models import AutoRepayAttempt, Bill, Household, Loan
from ledger.querysets import HouseholdQuerySet
from reminders import rules


class Kind(models.TextChoices):
    STEP = "step", _("bill reminder")
    ATTEMPT_FAILED = "attempt_failed", _("failed debit")
    ATTEMPT_PARTIAL = "attempt_partial", _("debit in part")
    CONFIRM = "confirm", _("please confirm a debit")
    KEEP_ON = "keep_on", _("auto-repay fails again and again")
    TEST = "test", _("test mail")


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


class Reason(models.TextChoices):
    """Why a planned message was not sent; see `rules.Reason`."""

    SETTLED = rules.Reason.SETTLED.value, _("nothing was left to pay")
    MOVED = rules.Reason.MOVED.value, _("the bill moved to another day")
    OVERTAKEN = rules.Reason.OVERTAKEN.value, _("a more urgent one took its place")
    SWITCHED_OFF = rules.Reason.SWITCHED_OFF.value, _("switched off in the settings")
    ARCHIVED = rules.Reason.ARCHIVED.value, _("the loan was put away")
    LEFT = rules.Reason.LEFT.value, _("the recipient left the household")
    ANSWERED = rules.Reason.ANSWERED.value, _("it was answered already")


_TAKEN = Q(state__in=[State.SENDING.value, State.INFLIGHT.value])
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


class Reminder(models.Model):
    """One message about one subject to one person on one channel, and what became of it.

    A step of a bill is known by the bill, the day it was payable and `step` ("T-3"): a bill that moves to another
    day has new ones. Notices are known by the attempt they tell of. `message_id` is fixed from the start, so a mail
    store can fold a repeat. `send_at` is when it was due, `next_at` when it is looked at next.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="reminders")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reminders")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, null=True, related_name="reminders")
    payable_on = models.DateField(null=True)
    step = models.CharField(max_length=12, blank=True)
    attempt = models.ForeignKey(AutoRepayAttempt, on_delete=models.CASCADE, null=True, related_name="reminders")
    created_at = models.DateTimeField()
    send_at = models.DateTimeField()
    next_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=200, unique=True)
    address = models.EmailField(blank=True)
    subject = models.CharField(max_length=250, blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bill", "payable_on", "step", "recipient", "channel"],
                condition=Q(kind=Kind.STEP),
                name="reminder_step_once",
            ),
            models.UniqueConstraint(
                fields=["attempt", "kind", "recipient", "channel"],
                condition=Q(attempt__isnull=False),
                name="reminder_attempt_once",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="reminder_channel_known"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="reminder_state_known"),
            models.CheckConstraint(
                condition=(
                    Q(kind=Kind.STEP, bill__isnull=False, payable_on__isnull=False, attempt__isnull=True) & ~Q(step="")
                )
                | Q(
                    kind__in=[Kind.ATTEMPT_FAILED, Kind.ATTEMPT_PARTIAL, Kind.CONFIRM, Kind.KEEP_ON],
                    bill__isnull=False,
                    payable_on__isnull=False,
                    attempt__isnull=False,
                    step="",
                )
                | Q(kind=Kind.TEST, bill__isnull=True, payable_on__isnull=True, attempt__isnull=True, step=""),
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


class ReminderPolicy(models.Model):
    """What a household wants to be reminded of, or what it wants otherwise for one `loan`; `rules.Policy` as a row."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="reminder_policies")
    loan = models.OneToOneField(Loan, on_delete=models.CASCADE, null=True, related_name="reminder_policy")
    is_on = models.BooleanField(default=True)
    days = models.JSONField(default=list)
    then_every = models.PositiveSmallIntegerField(default=rules.DEFAULT.then_every)
    hour = models.PositiveSmallIntegerField(default=rules.DEFAULT.hour)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household"], condition=Q(loan__isnull=True), name="policy_one_a_household"
            ),
            models.CheckConstraint(
                condition=Q(hour__gte=rules.QUIET_UNTIL, hour__lt=rules.QUIET_FROM),
                name="policy_hour_outside_quiet_hours",
            ),
            models.CheckConstraint(condition=Q(then_every__lte=90), name="policy_then_every_at_most_90"),
        ]
        verbose_name_plural = "reminder policies"

    def __str__(self) -> str:
        return f"{self.loan or self.household}: {self.days}"

    @property
    def value(self) -> rules.Policy:
        """This policy as the rules read it."""
        return rules.Policy(tuple(self.days), self.then_every, self.hour, self.is_on)


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
