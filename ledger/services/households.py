"""Households and who belongs to them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ledger.loanmath.credit_record import AgingRule
from ledger.models import Household, Membership, Role, User
from ledger.services.debit_times import schedule_household


def create_household(*, owner: User, name: str, time_zone: str, currency: str, now: datetime) -> Household:
    """A new household with its first member, who owns it."""
    with transaction.atomic():
        household = Household.objects.create(name=name, time_zone=time_zone, currency=currency, created_at=now)
        Membership.objects.create(household=household, user=owner, role=Role.OWNER)
        return household


def start_household(*, owner: User, name: str, time_zone: str, currency: str, now: datetime) -> Household:
    """The first household of a user: made once, however often it is asked for."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        first = Household.objects.filter(memberships__user=owner).order_by("memberships__pk").first()
        if first is not None:
            return first
        return create_household(owner=owner, name=name, time_zone=time_zone, currency=currency, now=now)


def update_household(*, household: Household, name: str, time_zone: str, currency: str) -> Household:
    """Rename a household, move it to another time zone, change the currency it starts new loans in."""
    with transaction.atomic():
        household.name, household.time_zone, household.currency = name, time_zone, currency
        household.save(update_fields=["name", "time_zone", "currency"])
        schedule_household(household)  # debit windows are local times
    return household


def update_credit_rules(*, household: Household, monthly_income: int | None, rule: AgingRule) -> Household:
    """What the credit record goes by: what comes in each month, in minor units of the household's currency (None: not
    said), and how long an adverse mark is kept."""
    household.monthly_income = monthly_income
    household.income_currency = household.currency if monthly_income is not None else ""
    household.marks_kept_years, household.marks_kept_from = rule.years, rule.counts_from.value
    household.save(update_fields=["monthly_income", "income_currency", "marks_kept_years", "marks_kept_from"])
    return household
