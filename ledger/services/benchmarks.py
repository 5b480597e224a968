"""Published rates that a household adds or corrects, with the loans that follow them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ledger.models import BenchmarkRate, Household
from ledger.selectors.benchmarks import following, rates_known_to
from ledger.services.projection import lock, rebuild
from ledger.services.recording import Recording, fingerprint, key_conflict
from ledger.services.refusal import Refusal

_SAID = ["household_id", "series", "effective_on", "annual_rate", "source"]


def record_rate(
    *,
    household: Household,
    series: str,
    effective_on: date,
    annual_rate: Decimal | None,
    recording: Recording,
    source: str = "",
) -> BenchmarkRate | Refusal:
    """Write down what a series says from a day on (a fraction a year; None: it did not change on that day), and work
    out the loans that follow it, in one transaction. The same key with the same content records it once."""
    said = BenchmarkRate(
        household=household,
        series=series,
        effective_on=effective_on,
        annual_rate=annual_rate,
        source=source,
        recorded_at=recording.now,
        recorded_by=recording.by,
        key=recording.key,
    )
    said.fingerprint = fingerprint(said, _SAID)
    earlier = BenchmarkRate.objects.filter(household=household, key=recording.key)
    try:
        with transaction.atomic():
            Household.objects.select_for_update().get(pk=household.pk)  # one change of rates after the other
            found = earlier.first()
            if found is None:
                return _record(said)
    except IntegrityError:
        found = earlier.get()
    return found if found.fingerprint == said.fingerprint else key_conflict()


def _record(said: BenchmarkRate) -> BenchmarkRate | Refusal:
    points = rates_known_to(said.household).get(said.series, ())
    known = {point.day: point.annual_rate for point in points}
    if known.get(said.effective_on) == said.annual_rate:
        text = (
            _("This rate is already on the list.")
            if said.annual_rate is not None
            else _("No rate is listed for this day, so there is none to take out. Enter a rate, or choose another day.")
        )
        return Refusal("already_known", text, "annual_rate")
    said.save()
    today = said.household.today(said.recorded_at)
    for loan in following(said.series, said.household):
        rebuild(lock(loan), today)
    return said
