"""Planned inflows: writing down what is expected in an account, and ending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.loanmath.inflows import LONGEST_MONTH, SHIFTS, Repeats
from ledger.loanmath.terms import HolidayRule
from ledger.models import FundingAccount, PlannedInflow
from ledger.services.recording import Recording, fingerprint, key_conflict
from ledger.services.refusal import Refusal

MOST_INFLOWS = 20  # an account's; more are no plan, and each is worked out on every page
_IN_FINGERPRINT = [
    *("account_id", "name", "amount", "repeats", "day", "starts_on", "until", "shift", "holiday_calendar"),
]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When an inflow comes, as the user says it; the rules are those of `InflowPlan`. `day` counts for a monthly one
    alone; None: the day of `starts_on`. `holiday_calendar` is a country's code, "" for weekends alone."""

    repeats: Repeats
    starts_on: date
    day: int | None = None
    until: date | None = None
    shift: HolidayRule = HolidayRule.SAME_DAY
    holiday_calendar: str = ""


def plan_inflow(
    *, account: FundingAccount, name: str, amount: int, rhythm: Rhythm, recording: Recording
) -> PlannedInflow | Refusal:
    """Write down that `amount` (minor units) is expected in the account. The same key with the same content returns
    what was planned first; with other content, a refusal."""
    refusal = _refuse(name, amount, rhythm)
    if refusal is not None:
        return refusal
    planned = _planned(account, name, amount, rhythm, recording)
    earlier = PlannedInflow.objects.filter(household_id=account.household_id, key=recording.key)
    try:
        with transaction.atomic():
            locked = FundingAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
            found = earlier.first()
            if found is None:
                refusal = _no_room(locked)
                if refusal is not None:
                    return refusal
                planned.save()
                return planned
    except IntegrityError:
        found = earlier.get()
    return found if found.fingerprint == planned.fingerprint else key_conflict()


def _planned(account: FundingAccount, name: str, amount: int, rhythm: Rhythm, recording: Recording) -> PlannedInflow:
    monthly, moved = rhythm.repeats is Repeats.MONTHLY, rhythm.shift is not HolidayRule.SAME_DAY
    planned = PlannedInflow(
        household_id=account.household_id,
        account=account,
        name=name.strip(),
        amount=amount,
        repeats=rhythm.repeats.value,
        day=(rhythm.day or rhythm.starts_on.day) if monthly else None,
        starts_on=rhythm.starts_on,
        until=rhythm.until,
        shift=rhythm.shift.value,
        holiday_calendar=rhythm.holiday_calendar if moved else "",
        planned_at=recording.now,
        planned_by=recording.by,
        key=recording.key,
    )
    planned.fingerprint = fingerprint(planned, _IN_FINGERPRINT)
    return planned


def _no_room(account: FundingAccount) -> Refusal | None:
    """Why nothing more can be planned for the locked account."""
    if account.archived_at is not None:
        return Refusal("archived", _("This account is put away. Use it again first."))
    if PlannedInflow.objects.live().filter(account=account).count() >= MOST_INFLOWS:
        return Refusal(
            "too_many",
            _("An account has room for %(most)s kinds of expected money. Remove one first.") % {"most": MOST_INFLOWS},
        )
    return None


def _refuse(name: str, amount: int, rhythm: Rhythm) -> Refusal | None:
    """What is wrong with a plan, at the field that is to be changed."""
    if not name.strip():
        return Refusal("name", _("Give it a name, such as Salary."), "name")
    if amount <= 0:
        return Refusal("amount", _("Enter an amount above zero."), "amount")
    if rhythm.repeats is Repeats.MONTHLY and not 1 <= (rhythm.day or 1) <= LONGEST_MONTH:
        return Refusal("day", _("Enter a day from 1 to 31; 31 is the last day of every month."), "day")
    if rhythm.until is not None and rhythm.until < rhythm.starts_on:
        return Refusal("until", _("Choose a last day that is not before the first."), "until")
    if rhythm.shift not in SHIFTS:
        return Refusal("shift", _("Choose the day itself, the working day before or the working day after."), "shift")
    return None


def end_inflow(*, inflow: PlannedInflow, recording: Recording) -> PlannedInflow:
    """Expect it no more; ending it twice changes nothing."""
    PlannedInflow.objects.live().filter(pk=inflow.pk).update(ended_at=recording.now)
    inflow.refresh_from_db()
    return inflow
