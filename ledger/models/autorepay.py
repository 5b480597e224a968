"""Auto-repay: the standing permission to debit, and each try with its outcome."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.models.accounts import FundingAccount
from ledger.models.append_only import AppendOnly
from ledger.models.bills import Bill
from ledger.models.facts import Fact
from ledger.models.loans import Loan
from ledger.models.people import Household
from ledger.querysets import MandateQuerySet


class AutoRepayMandate(models.Model):
    """The lender may debit `account` for a loan's bills, at the `windows` (local "HH:MM") of the due day.

    `next_debit_at` is the next moment at which something may have to be done; never too late, and moved on by the
    tick when there was nothing to do. None: nothing is left to debit. `trouble` says why the last tries broke off
    (bad data, a fault of ours) and `failures` how many in a row; each puts the next one further off.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="mandates")
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="mandates")
    account = models.ForeignKey(FundingAccount, on_delete=models.RESTRICT, related_name="mandates")
    windows = models.JSONField(default=list)
    started_on = models.DateField()
    authorized_at = models.DateTimeField()
    authorized_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    ended_at = models.DateTimeField(null=True, blank=True)
    next_debit_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="mandate_key_once"),
            models.UniqueConstraint(fields=["loan"], condition=Q(ended_at=None), name="mandate_one_live_a_loan"),
        ]
        indexes = [
            models.Index(fields=["next_debit_at"], condition=Q(ended_at__isnull=True), name="mandate_next_debit"),
        ]

    def __str__(self) -> str:
        return f"{self.loan} ← {self.account}"


class Outcome(models.TextChoices):
    SUCCESS = "success", _("debited")
    PRESUMED = "presumed", _("presumed debited")
    INSUFFICIENT = "insufficient", _("not enough money")
    SKIPPED = "skipped", _("already paid")


class AutoRepayAttempt(AppendOnly):
    """One try to debit one bill, with its outcome; `missing` is what the account lacked."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="attempts")
    mandate = models.ForeignKey(AutoRepayMandate, on_delete=models.RESTRICT, related_name="attempts")
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    debit_on = models.DateField()
    window_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    requested = models.BigIntegerField()
    missing = models.BigIntegerField(default=0)
    repayment = models.OneToOneField(Fact, on_delete=models.RESTRICT, null=True, related_name="attempt")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill", "number"], name="attempt_number_once"),
            models.UniqueConstraint(fields=["bill", "window_at"], name="attempt_window_once"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="attempt_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=["success", "presumed"], repayment__isnull=False, requested__gt=0)
                | Q(outcome__in=["insufficient", "skipped"], repayment__isnull=True),
                name="attempt_repayment_where_debited",
            ),
            models.CheckConstraint(
                condition=Q(missing__gte=0) & Q(requested__gte=0), name="attempt_amounts_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["recorded_at"], name="attempt_newest")]

    def __str__(self) -> str:
        return f"{self.bill} try {self.number}: {self.outcome}"
