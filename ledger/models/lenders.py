"""Who is owed: lenders, and the lines that can be drawn on again."""

from __future__ import annotations

from django.db import models

from ledger.models.people import Household
from ledger.querysets import HouseholdQuerySet


class Lender(models.Model):
    """Who is owed. `how_to_pay` says to whoever has to take over where a repayment is made: never with a password or
    a whole account number."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="lenders")
    name = models.CharField(max_length=100)
    contact = models.CharField(max_length=200, blank=True)
    how_to_pay = models.CharField(max_length=500, blank=True)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["household", "name"], name="lender_name_once")]

    def __str__(self) -> str:
        return self.name


class CreditLine(models.Model):
    """A limit that can be borrowed again; each draw on it is a loan."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="credit_lines")
    lender = models.ForeignKey(Lender, on_delete=models.RESTRICT, related_name="credit_lines")
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    limit = models.BigIntegerField()

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lender", "name"], name="credit_line_name_once"),
            models.CheckConstraint(condition=models.Q(limit__gt=0), name="credit_line_limit_positive"),
        ]

    def __str__(self) -> str:
        return self.name
