"""Auto-repay in the large: the debits of many households in one transaction, decided over plain values and written
set-based. It does what `services.autorepay` does one by one, for the usual case alone (see `debit_decisions`); a
household with anything else among its debits goes one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import inf
from time import monotonic
from typing import NamedTuple

from django.db import OperationalError, transaction
from django.db.models import Count

from ledger.models import AutoRepayMandate, Loan
from ledger.services.alone import alone_with
from ledger.services.autorepay import ask_if_failing, debit_household
from ledger.services.debit_decisions import decide_debits
from ledger.services.debit_grounds import look
from ledger.services.debit_rows import write_debits

log = logging.getLogger(__name__)

CHUNK = 1_250  # loans in one transaction and in one message, about
SWEEP_LASTS = 45.0  # seconds after which a sweep leaves the rest to the next one


class HouseholdRange(NamedTuple):
    """Households by their ids, both ends included."""

    first: int
    last: int


def due_ranges(now: datetime, size: int = CHUNK) -> Iterator[HouseholdRange]:
    """Ranges of households that have debits due by `now`, of about `size` loans each; one query."""
    counts = Loan.objects.to_debit(now).order_by("household").values_list("household").annotate(loans=Count("pk"))
    for group in _groups(counts.iterator(), size):
        yield HouseholdRange(group[0], group[-1])


def _groups(counts: Iterable[tuple[int, int]], size: int) -> Iterator[list[int]]:
    """Households in a row until there are `size` loans."""
    group: list[int] = []
    loans = 0
    for household, count in counts:
        group.append(household)
        loans += count
        if loans >= size:
            yield group
            group, loans = [], 0
    if group:
        yield group


def debit_due(now: datetime) -> int:
    """Do everything auto-repay has to have done by `now`, range by range; the number of attempts recorded.

    Any number may run at once. A loan that breaks off is put aside for a while and stops no other.
    """
    until = monotonic() + SWEEP_LASTS
    return sum(debit_range(households, now, until) for households in list(due_ranges(now)))


def debit_range(households: HouseholdRange, now: datetime, until: float | None = None) -> int:
    """Everything auto-repay has to have done by `now` for a range of households; the number of attempts recorded. What
    it has not got to by `until` (on the monotonic clock; SWEEP_LASTS from now) is left to the next sweep."""
    until = monotonic() + SWEEP_LASTS if until is None else until
    due = Loan.objects.to_debit(now).filter(household_id__gte=households.first, household_id__lte=households.last)
    counts = list(due.order_by("household").values_list("household").annotate(loans=Count("pk")))
    return sum(debit_chunk(group, now, until) for group in _groups(counts, CHUNK) if monotonic() < until)


def debit_chunk(households: Sequence[int], now: datetime, until: float = inf) -> int:
    """The debits of some households: together where they are of the usual kind, else one by one; the attempts recorded.

    A chunk that fails leaves nothing behind and is done one by one, where what is wrong with one loan stops no other.
    """
    try:
        done, rest = _debit_together(households, now)
    except OperationalError as error:  # a busy or lost database: the next sweep finds it all as it is
        log.warning("Auto-repay of %s households is left to the next sweep: %s", len(households), error)
        return 0
    except Exception:
        log.exception("Auto-repay of households %s to %s goes one by one", households[0], households[-1])
        done, rest = 0, list(households)
    return done + sum(_one_by_one(household, now, until) for household in rest if monotonic() < until)


def _one_by_one(household: int, now: datetime, until: float) -> int:
    with alone_with(household) as alone:
        return debit_household(household, now, until) if alone else 0


def _debit_together(households: Sequence[int], now: datetime) -> tuple[int, list[int]]:
    """The attempts recorded, and the households left to the general way.

    Most of the work is done before anything is held. Once accounts and loans are, it is looked whether all is still as
    it was; if not, everything that is held is decided again: nothing else may be written.
    """
    seen = look(households, now)
    decided = decide_debits(seen, now)
    with transaction.atomic():
        held = look(households, now, hold=True, sources=seen.sources)
        if held != seen:
            decided = decide_debits(held, now)
        done = write_debits(decided.rows, now)
        for mandate in AutoRepayMandate.objects.filter(pk__in=decided.failing, asked_at=None):
            ask_if_failing(mandate, now)
    return done, sorted(decided.unusual)
