"""Noticing that the calendar says something else of a loan than before, though no bill of it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from reminders.models import CalendarEdition

BATCH = 200


def editions_of(said: Mapping[int, object], now: datetime) -> dict[int, CalendarEdition]:
    """By loan, which edition of what is `said` of it (anything with a steady `repr`) this is: where it is not what was
    said last, the next one, of `now`. One query where nothing is new."""
    marks = {loan: hashlib.sha256(repr(what).encode()).hexdigest()[:32] for loan, what in said.items()}
    known = CalendarEdition.objects.in_bulk(marks)
    news = {loan: mark for loan, mark in marks.items() if loan not in known or known[loan].mark != mark}
    return known | _next(news, now) if news else known


def _next(news: Mapping[int, str], now: datetime) -> dict[int, CalendarEdition]:
    with transaction.atomic():
        there = CalendarEdition.objects.select_for_update().filter(loan__in=news).order_by("pk")
        changed = {row.loan_id: row for row in there}
        for loan, row in changed.items():
            if row.mark != news[loan]:  # else somebody else was quicker
                row.mark, row.number, row.changed_at = news[loan], row.number + 1, now
        CalendarEdition.objects.bulk_update(changed.values(), ["mark", "number", "changed_at"], batch_size=BATCH)
        first = [CalendarEdition(loan_id=loan, mark=mark) for loan, mark in news.items() if loan not in changed]
        CalendarEdition.objects.bulk_create(first, ignore_conflicts=True, batch_size=BATCH)
    return changed | {row.loan_id: row for row in first}
