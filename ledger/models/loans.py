"""The agreement: a loan and the versions of its terms."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from ledger.loanmath.codec import terms_from_dict
from ledger.loanmath.terms import LoanTerms, Method
from ledger.models.append_only import AppendOnly
from ledger.models.lenders import CreditLine, Lender
from ledger.models.people import Household
from ledger.querysets import LoanQuerySet


class Loan(models.Model):
    """One agreement, draw or plan. From `version` to `settling` the columns are the projection's, written by
    `services.projection.rebuild` alone: among them what its bills come to (`open_total` left to pay, `paid_total`, of
    which `presumed_total`; `interest_left` and `fee_left` of what is open) and `ends_on`, the payable date of the last.

    `mandate` is the auto-repay mandate that holds for it, and `auto_repay_at` the next moment at which auto-repay may
    have something to do; never too late, and moved on by the tick when there was nothing. None: nothing to come.
    `auto_repay_trouble` says why the last looks broke off (bad data, a fault of ours), `auto_repay_failures` how many
    in a row; each puts the next one further off.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="loans", db_index=False)
    lender = models.ForeignKey(Lender, on_delete=models.RESTRICT, related_name="loans")
    credit_line = models.ForeignKey(CreditLine, on_delete=models.RESTRICT, null=True, blank=True, related_name="loans")
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    note = models.TextField(blank=True)
    is_secured = models.BooleanField(default=False)  # by something the lender gives back: a home, a car
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)

    version = models.PositiveIntegerField(default=0)
    projected_on = models.DateField(null=True)
    next_change_on = models.DateField(null=True)
    outstanding_principal = models.BigIntegerField(default=0)
    credit = models.BigIntegerField(default=0)
    settled_on = models.DateField(null=True)
    grace_days = models.PositiveSmallIntegerField(default=0)
    bears_penalty = models.BooleanField(default=False)
    open_total = models.BigIntegerField(default=0)
    paid_total = models.BigIntegerField(default=0)
    presumed_total = models.BigIntegerField(default=0)
    interest_left = models.BigIntegerField(default=0)
    fee_left = models.BigIntegerField(default=0)
    ends_on = models.DateField(null=True)
    settling = models.CharField(max_length=10, blank=True)  # `loanmath.settling_bills.Settling`

    mandate = models.ForeignKey(
        "ledger.AutoRepayMandate", on_delete=models.SET_NULL, null=True, related_name="covered_loans"
    )
    auto_repay_at = models.DateTimeField(null=True)
    auto_repay_failures = models.PositiveSmallIntegerField(default=0)
    auto_repay_trouble = models.CharField(max_length=200, blank=True)

    objects = LoanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="loan_key_once"),
            models.CheckConstraint(
                condition=Q(outstanding_principal__gte=0) & Q(credit__gte=0), name="loan_amounts_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["next_change_on"], condition=Q(next_change_on__isnull=False), name="loan_next_change"),
            models.Index(fields=["auto_repay_at"], condition=Q(auto_repay_at__isnull=False), name="loan_auto_repay"),
        ]

    def __str__(self) -> str:
        return self.name


class TermsVersion(AppendOnly):
    """The frozen values a loan is computed from, `effective_on` a day until the next version's.

    The main figures are columns so that the database can hold them to their limits; `conventions` holds the
    other fields of `LoanTerms` in the form of `loanmath.codec`, those at their default left out.
    """

    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="terms_versions")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveSmallIntegerField()
    effective_on = models.DateField()
    recorded_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    principal = models.BigIntegerField()
    annual_rate = models.DecimalField(max_digits=14, decimal_places=10)
    count = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=20)
    disbursed_on = models.DateField()
    first_due_on = models.DateField()
    conventions = models.JSONField(default=dict)

    COLUMNS = ("currency", "principal", "annual_rate", "count", "method", "disbursed_on", "first_due_on")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="terms_number_once"),
            models.CheckConstraint(condition=Q(principal__gt=0), name="terms_principal_positive"),
            models.CheckConstraint(condition=Q(annual_rate__gte=0), name="terms_rate_not_negative"),
            models.CheckConstraint(condition=Q(count__range=(1, 600)), name="terms_count_1_to_600"),
            models.CheckConstraint(
                condition=Q(method__in=[method.value for method in Method]), name="terms_method_known"
            ),
            models.CheckConstraint(
                condition=Q(first_due_on__gte=F("disbursed_on")), name="terms_due_after_disbursement"
            ),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.loan} v{self.number}"

    @property
    def value(self) -> LoanTerms:
        """These terms as the engine reads them."""
        columns: dict[str, Any] = {name: getattr(self, name) for name in self.COLUMNS}
        columns["annual_rate"] = str(columns["annual_rate"])
        for name in ("disbursed_on", "first_due_on"):
            columns[name] = columns[name].isoformat()
        return terms_from_dict(columns | self.conventions)
