"""Money the household counts on: planned inflows to its accounts. Plans, not facts: ended and planned anew."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.loanmath.inflows import LONGEST_MONTH, Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.models.accounts import FundingAccount
from ledger.models.people import Household
from ledger.querysets import InflowQuerySet


class InflowRepeats(models.TextChoices):
    MONTHLY = Repeats.MONTHLY.value, _("every month")
    FORTNIGHTLY = Repeats.FORTNIGHTLY.value, _("every two weeks")
    WEEKLY = Repeats.WEEKLY.value, _("every week")
    ONCE = Repeats.ONCE.value, _("once")


class InflowShift(models.TextChoices):
    SAME_DAY = HolidayRule.SAME_DAY.value, _("on that day all the same")
    BEFORE = HolidayRule.PREVIOUS_WORKDAY.value, _("on the working day before")
    AFTER = HolidayRule.NEXT_WORKDAY.value, _("on the working day after")


class PlannedInflow(models.Model):
    """`amount` minor units the household expects in an account, again and again or once, as `InflowPlan` says.

    Nothing of it is ever booked: it is expected until its owner states a balance. It is changed by ending it and
    planning another; one that was ended is expected no more, on days past neither.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="inflows")
    account = models.ForeignKey(FundingAccount, on_delete=models.CASCADE, related_name="inflows")
    name = models.CharField(max_length=100)
    amount = models.BigIntegerField()
    repeats = models.CharField(max_length=12, choices=InflowRepeats.choices)
    day = models.PositiveSmallIntegerField(null=True, blank=True)
    starts_on = models.DateField()
    until = models.DateField(null=True, blank=True)
    shift = models.CharField(max_length=20, choices=InflowShift.choices, default=InflowShift.SAME_DAY)
    holiday_calendar = models.CharField(max_length=20, blank=True)
    planned_at = models.DateTimeField()
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = InflowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="inflow_key_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="inflow_above_zero"),
            models.CheckConstraint(condition=Q(repeats__in=InflowRepeats.values), name="inflow_repeats_known"),
            models.CheckConstraint(condition=Q(shift__in=InflowShift.values), name="inflow_shift_known"),
            models.CheckConstraint(
                condition=Q(repeats=InflowRepeats.MONTHLY, day__isnull=False, day__range=(1, LONGEST_MONTH))
                | (~Q(repeats=InflowRepeats.MONTHLY) & Q(day__isnull=True)),
                name="inflow_day_of_month",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("starts_on")), name="inflow_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["account"], condition=Q(ended_at=None), name="inflow_live")]

    def __str__(self) -> str:
        return self.name
