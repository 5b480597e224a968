"""Paging by key: a page begins after a row's own key, so that page 100 costs what page 1 costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Q, QuerySet

PAGE_SIZE = 50
_KEY = re.compile(r"([0-9T:.+-]{10,32})_(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (or, going back, before) the row of this moment or day and id."""

    at: str
    id: int
    back: bool = False

    @property
    def day(self) -> date:
        return date.fromisoformat(self.at)

    @property
    def moment(self) -> datetime:
        """In UTC, since databases do not take every time zone that Python does. ValueError if it names none."""
        moment = datetime.fromisoformat(self.at)
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return moment.astimezone(UTC)


def read_id(text: str) -> int | None:
    """An id as an address or a form says it; None if it is none that a database could hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def key_of(at: date | datetime, id: int) -> str:
    return f"{at.isoformat()}_{id}"


def read_cursor(params: Mapping[str, str], kind: type[date]) -> Cursor | None:
    """The cursor named by `after` or `before`; anything that is none is ignored."""
    for name in ("after", "before"):
        match = _KEY.fullmatch(params.get(name, ""))
        if match is None:
            continue
        cursor = Cursor(match[1], int(match[2]), back=name == "before")
        if _names(cursor, kind):
            return cursor
    return None


def _names(cursor: Cursor, kind: type[date]) -> bool:
    """Whether the cursor names a day or, where moments are asked for, a moment."""
    try:
        return bool(cursor.moment if kind is datetime else cursor.day)
    except (ValueError, OverflowError):
        return False


def beyond(field: str, at: Any, id: int, *, upward: bool) -> Q:
    """Rows after the key (at, id) in ascending order; before it where not `upward`."""
    side = "gt" if upward else "lt"
    return Q(**{f"{field}__{side}": at}) | Q(**{field: at, f"id__{side}": id})


def rows_of_page(
    rows: QuerySet[Any],
    field: str,
    cursor: Cursor | None,
    *,
    newest_first: bool,
    alike: str = "",
) -> QuerySet[Any]:
    """The rows of one page by day, and one more to know whether there are more. In `alike`, a column that an index
    begins with, all rows are."""
    upward = newest_first is (cursor is not None and cursor.back)
    if cursor is not None:
        rows = rows.filter(beyond(field, cursor.day, cursor.id, upward=upward))
    sign = "" if upward else "-"
    order = [f"{sign}{name}" for name in (alike, field, "id") if name]
    return rows.order_by(*order)[: PAGE_SIZE + 1]


def page_of(found: list[Any], field: str, cursor: Cursor | None) -> tuple[list[Any], str, str]:
    """What `rows_of_page` found, with `field` and `id` on each, as a page; and the cursors (or "") for the pages before
    and after it."""
    back = cursor is not None and cursor.back
    more = len(found) > PAGE_SIZE
    found = found[:PAGE_SIZE]
    if back:
        found.reverse()
    if not found:
        return [], "", ""
    first, last = (key_of(getattr(row, field), row.id) for row in (found[0], found[-1]))
    has_before = more if back else cursor is not None
    has_after = True if back else more
    return found, first if has_before else "", last if has_after else ""
