"""Auto-repay: the standing permission to debit, and each try with its outcome."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.loanmath.debiting import AmountMode, DebitLimits, DebitOutcome, FailureReason
from ledger.loanmath.debits import DebitRule
from ledger.models.accounts import FundingAccount
from ledger.models.append_only import AppendOnly
from ledger.models.bills import Bill
from ledger.models.facts import Fact
from ledger.models.lenders import CreditLine, Lender
from ledger.models.loans import Loan
from ledger.models.people import Household
from ledger.querysets import MandateQuerySet

MODES = [
    (AmountMode.BILL.value, _("this loan’s bill")),
    (AmountMode.FULL.value, _("everything due, what is overdue included")),
    (AmountMode.MINIMUM.value, _("the minimum payment")),
    (AmountMode.FIXED.value, _("a fixed amount")),
]


class AutoRepayMandate(models.Model):
    """The lender may debit the `sources`, in their order, for the bills of one loan, of all draws on a credit line, or
    of all its loans; of several the narrowest holds for a loan (`Loan.mandate`).

    When and how much is what `rule`, `mode` and `limits` say. It holds for bills payable from `started_on`, whose debit
    day is not after `expires_on`. A debit whose account is not known to hold enough is presumed: until somebody
    confirms it, or for `trust_days` (None: ask me). After `ask_after` failures in a row since `kept_at` the user is
    asked, once (`asked_at`). Other content is another mandate; only pausing, keeping and ending change a row.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="mandates")
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, null=True, related_name="mandates")
    credit_line = models.ForeignKey(CreditLine, on_delete=models.CASCADE, null=True, related_name="mandates")
    lender = models.ForeignKey(Lender, on_delete=models.CASCADE, null=True, related_name="mandates")
    currency = models.CharField(max_length=3)
    accounts = models.ManyToManyField(FundingAccount, through="MandateSource", related_name="mandates")
    mode = models.CharField(max_length=10, choices=MODES, default=AmountMode.BILL.value)
    fixed_amount = models.BigIntegerField(null=True)
    cap = models.BigIntegerField(null=True)
    partial = models.BooleanField(default=False)
    windows = models.JSONField(default=list)
    retry_windows = models.JSONField(default=list)
    retry_days = models.JSONField(default=list)
    daily = models.BooleanField(default=False)
    day_offset = models.SmallIntegerField(default=0)
    tries_a_day = models.PositiveSmallIntegerField(default=0)
    priority = models.PositiveSmallIntegerField(default=0)
    trust_days = models.PositiveSmallIntegerField(null=True)
    ask_after = models.PositiveSmallIntegerField(default=3)
    started_on = models.DateField()
    expires_on = models.DateField(null=True)
    authorized_at = models.DateTimeField()
    authorized_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    paused_on = models.DateField(null=True)
    resumes_on = models.DateField(null=True)
    asked_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="mandate_key_once"),
            models.UniqueConstraint(
                fields=["loan"], condition=Q(ended_at=None, loan__isnull=False), name="mandate_one_live_a_loan"
            ),
            models.UniqueConstraint(
                fields=["credit_line"],
                condition=Q(ended_at=None, credit_line__isnull=False),
                name="mandate_one_live_a_line",
            ),
            models.UniqueConstraint(
                fields=["lender", "currency"],
                condition=Q(ended_at=None, lender__isnull=False),
                name="mandate_one_live_a_lender",
            ),
            models.CheckConstraint(
                condition=Q(loan__isnull=False, credit_line=None, lender=None)
                | Q(loan=None, credit_line__isnull=False, lender=None)
                | Q(loan=None, credit_line=None, lender__isnull=False),
                name="mandate_of_one_scope",
            ),
            models.CheckConstraint(condition=Q(mode__in=[mode for mode, _name in MODES]), name="mandate_mode_known"),
            models.CheckConstraint(
                condition=Q(mode="fixed", fixed_amount__isnull=False, fixed_amount__gt=0)
                | (~Q(mode="fixed") & Q(fixed_amount=None)),
                name="mandate_fixed_amount_where_needed",
            ),
            models.CheckConstraint(condition=Q(cap=None) | Q(cap__gt=0), name="mandate_cap_positive"),
            models.CheckConstraint(condition=Q(day_offset__in=[-1, 0]), name="mandate_day_offset_0_or_1_before"),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gte=F("started_on")), name="mandate_expires_after_start"
            ),
            models.CheckConstraint(
                condition=Q(resumes_on=None) | Q(paused_on__isnull=False, resumes_on__gt=F("paused_on")),
                name="mandate_resumes_after_pause",
            ),
        ]

    def __str__(self) -> str:
        return f"auto-repay {self.pk} of {self.loan or self.credit_line or self.lender}"

    @property
    def scope(self) -> Loan | CreditLine | Lender:
        """What it covers."""
        found = self.loan or self.credit_line or self.lender
        assert found is not None  # mandate_of_one_scope
        return found

    @property
    def rule(self) -> DebitRule:
        """When the lender debits."""
        return DebitRule(
            windows=tuple(self.windows),
            day_offset=self.day_offset,
            retry_days=tuple(self.retry_days),
            daily=self.daily,
            retry_windows=tuple(self.retry_windows),
            tries_a_day=self.tries_a_day,
            paused_on=self.paused_on,
            resumes_on=self.resumes_on,
        )

    @property
    def limits(self) -> DebitLimits:
        return DebitLimits(self.cap, self.partial)


class MandateSource(models.Model):
    """One of the accounts a mandate debits; the lender goes through them by `position`."""

    mandate = models.ForeignKey(AutoRepayMandate, on_delete=models.CASCADE, related_name="sources")
    account = models.ForeignKey(FundingAccount, on_delete=models.RESTRICT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mandate", "position"], name="mandate_source_position_once"),
            models.UniqueConstraint(fields=["mandate", "account"], name="mandate_source_account_once"),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}: {self.account}"


class Outcome(models.TextChoices):
    SUCCESS = DebitOutcome.SUCCESS.value, _("debited")
    PARTIAL = DebitOutcome.PARTIAL.value, _("debited in part")
    PRESUMED = DebitOutcome.PRESUMED.value, _("presumed debited")
    FAILED = DebitOutcome.FAILED.value, pgettext_lazy("outcome of a debit", "failed")
    SKIPPED = DebitOutcome.SKIPPED.value, _("already paid")


class Reason(models.TextChoices):
    INSUFFICIENT = FailureReason.INSUFFICIENT.value, _("Not enough money in the account")
    CARD_LIMIT = FailureReason.CARD_LIMIT.value, _("The card’s limit was reached")
    CARD_CLOSED = FailureReason.CARD_CLOSED.value, _("The card is closed or lost")
    MANDATE_EXPIRED = FailureReason.MANDATE_EXPIRED.value, _("The permission to debit had ended")
    LENDER_OUTAGE = FailureReason.LENDER_OUTAGE.value, _("The lender’s systems were down")
    OTHER = FailureReason.OTHER.value, _("Another reason, or not known")


DEBITED = [Outcome.SUCCESS.value, Outcome.PARTIAL.value, Outcome.PRESUMED.value]


class AutoRepayAttempt(AppendOnly):
    """One try to debit one bill from one account, with its outcome: `debited` of what was `requested`; `missing` is
    what the accounts lacked. `reason` says why it took nothing, or less."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="attempts")
    mandate = models.ForeignKey(AutoRepayMandate, on_delete=models.RESTRICT, related_name="attempts")
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    account = models.ForeignKey(FundingAccount, on_delete=models.RESTRICT, related_name="attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    debit_on = models.DateField()
    window_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    requested = models.BigIntegerField()
    debited = models.BigIntegerField(default=0)
    missing = models.BigIntegerField(default=0)
    repayment = models.OneToOneField(Fact, on_delete=models.RESTRICT, null=True, related_name="attempt")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill", "number"], name="attempt_number_once"),
            models.UniqueConstraint(fields=["bill", "window_at", "account"], name="attempt_window_once"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="attempt_outcome_known"),
            models.CheckConstraint(condition=Q(reason__in=["", *Reason.values]), name="attempt_reason_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=DEBITED, repayment__isnull=False, debited__gt=0)
                | Q(outcome__in=["failed", "skipped"], repayment__isnull=True, debited=0),
                name="attempt_repayment_where_debited",
            ),
            models.CheckConstraint(
                condition=Q(outcome="failed", reason__gt="") | ~Q(outcome="failed"), name="attempt_failed_for_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(missing__gte=0) & Q(requested__gte=F("debited")), name="attempt_amounts_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["recorded_at"], name="attempt_newest")]

    def __str__(self) -> str:
        return f"{self.bill} try {self.number}: {self.outcome}"
