"""What is computed from facts and stored for speed: bills and allocations, written by the projection alone."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q

from ledger.loanmath.money import Parts
from ledger.loanmath.standing import Standing, standing
from ledger.models.facts import Fact
from ledger.models.loans import Loan
from ledger.models.people import Household
from ledger.querysets import BillQuerySet

PARTS = ("principal", "interest", "fee", "penalty")


class Bill(models.Model):
    """What one loan asks for on one due date, and what met it; see `loanmath.projection.ProjectedBill`.

    A bill that a payoff or a prepayment made unnecessary stays, with `is_needed` off and every amount zero, so
    that attempts and reminders keep what they point at.

    `household` is the loan's, so that the bills of a household lie together by day. `penalty_next` is what the penalty
    will be on the loan's `next_change_on` if nothing is paid until then; None while the bill is not late.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="bills", db_index=False)
    number = models.PositiveSmallIntegerField()
    is_needed = models.BooleanField(default=True)
    starts_on = models.DateField()
    due_on = models.DateField()
    payable_on = models.DateField()
    deferred_from = models.DateField(null=True)
    is_replaced = models.BooleanField(default=False)
    settled_on = models.DateField(null=True)
    principal_due = models.BigIntegerField(default=0)
    interest_due = models.BigIntegerField(default=0)
    fee_due = models.BigIntegerField(default=0)
    penalty_due = models.BigIntegerField(default=0)
    principal_paid = models.BigIntegerField(default=0)
    interest_paid = models.BigIntegerField(default=0)
    fee_paid = models.BigIntegerField(default=0)
    penalty_paid = models.BigIntegerField(default=0)
    principal_waived = models.BigIntegerField(default=0)
    interest_waived = models.BigIntegerField(default=0)
    fee_waived = models.BigIntegerField(default=0)
    penalty_waived = models.BigIntegerField(default=0)
    principal_computed = models.BigIntegerField(null=True)  # ours, where the lender's figure replaced it
    interest_computed = models.BigIntegerField(null=True)
    fee_computed = models.BigIntegerField(null=True)
    penalty_computed = models.BigIntegerField(null=True)
    presumed = models.BigIntegerField(default=0)
    outstanding_after = models.BigIntegerField(default=0)
    penalty_next = models.BigIntegerField(null=True)
    changes_after = models.DateField(null=True)  # the loan's `next_change_on` once all bills up to this one are paid

    objects = BillQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="bill_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="bill_number_from_1"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{part}_paid__gte": 0, f"{part}_waived__gte": 0})
                    & Q(**{f"{part}_due__gte": F(f"{part}_paid") + F(f"{part}_waived")}),
                    name=f"bill_{part}_between_0_and_due",
                )
                for part in PARTS
            ),
            models.CheckConstraint(condition=Q(outstanding_after__gte=0), name="bill_outstanding_not_negative"),
        ]
        indexes = [
            models.Index(
                # `settled_on` is empty in all of it: SQLite would pass it over for the next one otherwise
                fields=["household", "settled_on", "payable_on", "id"],
                condition=Q(is_needed=True, settled_on__isnull=True),
                name="bill_open_of_household",
            ),
            models.Index(fields=["household", "payable_on", "id"], name="bill_of_household"),
            models.Index(fields=["household"], condition=Q(presumed__gt=0), name="bill_presumed"),
            models.Index(fields=["loan", "payable_on"], name="bill_loan_day"),
        ]
        ordering = ["loan_id", "number"]

    def __str__(self) -> str:
        return f"{self.loan} #{self.number}"

    def _parts(self, suffix: str) -> Parts:
        return Parts(*(getattr(self, f"{part}_{suffix}") or 0 for part in PARTS))

    @property
    def due(self) -> Parts:
        return self._parts("due")

    @property
    def paid(self) -> Parts:
        return self._parts("paid")

    @property
    def waived(self) -> Parts:
        return self._parts("waived")

    @property
    def open(self) -> Parts:
        return self.due - self.paid - self.waived

    @property
    def computed(self) -> Parts | None:
        return None if self.principal_computed is None else self._parts("computed")

    def standing(self, as_of: date) -> Standing:
        """Where this bill stands on `as_of`; needs `loan` at hand for its grace days."""
        return standing(self, as_of, self.loan.grace_days)


class Allocation(models.Model):
    """The part of one repayment put against one bill, by component; without a bill, principal not yet due."""

    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="allocations")
    repayment = models.ForeignKey(Fact, on_delete=models.CASCADE, related_name="allocations", db_index=False)
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, null=True, related_name="allocations")
    principal = models.BigIntegerField(default=0)
    interest = models.BigIntegerField(default=0)
    fee = models.BigIntegerField(default=0)
    penalty = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repayment", "bill"], name="allocation_once"),
            models.UniqueConstraint(fields=["repayment"], condition=Q(bill=None), name="allocation_unbilled_once"),
            models.CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0, fee__gte=0, penalty__gte=0),
                name="allocation_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repayment_id} → {self.bill or 'principal'}"

    @property
    def parts(self) -> Parts:
        return Parts(self.principal, self.interest, self.fee, self.penalty)
