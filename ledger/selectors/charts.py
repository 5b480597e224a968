"""Charts as numbers: places within 0..1000 both ways, worked out here so that templates only draw.

A chart stretches to its place: shapes are drawn in a box of 1000 by 1000, words stand at percentages of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta

BOX = 1000
LABEL_ROOM = 90  # of 1000: how thick a band must be where it begins to carry its own name
MOST_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Tick:
    """A word beside an axis, `at` a place such as "25.0%"; `is_crowded` where a narrow chart has no room for it beside
    the words at both ends of the axis."""

    at: str
    value: int = 0
    day: date | None = None
    is_crowded: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One band's values, one for each day of the chart, bottom band first; `slot` names its color (1 to 6)."""

    label: str
    slot: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A band of a stacked area: `points` is a polygon; `label_at` the height of its name, "" where it is too thin."""

    label: str
    slot: int
    points: str
    label_at: str


@dataclass(frozen=True, slots=True)
class AreaChart:
    bands: tuple[Band, ...]
    levels: tuple[Tick, ...]
    years: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Two lines over the same days: each a path that falls in steps. `today_at` is the place of today, "" where it
    lies outside."""

    planned: str
    actual: str
    levels: tuple[Tick, ...]
    years: tuple[Tick, ...]
    today_at: str


@dataclass(frozen=True, slots=True)
class BalanceChart:
    """What an account holds over the days ahead: `line` a path that falls and rises in steps, `below` the shape between
    it and zero where it is below, "" where it never is. `zero` is the height of zero in the box; `lowest_at` the place
    and `lowest` the height, amount and day of the lowest balance, `last` the last day."""

    line: str
    below: str
    zero: int
    levels: tuple[Tick, ...]
    months: tuple[Tick, ...]
    lowest_at: str
    lowest: Tick
    last: date


@dataclass(frozen=True, slots=True)
class Stack:
    """One column's amounts by part; `label` says what it stands for, `is_future` that it is still to come."""

    label: str
    principal: int
    interest: int
    fee: int
    penalty: int
    is_future: bool

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        return (
            ("principal", self.principal),
            ("interest", self.interest),
            ("fee", self.fee),
            ("penalty", self.penalty),
        )

    @property
    def total(self) -> int:
        return self.principal + self.interest + self.fee + self.penalty


@dataclass(frozen=True, slots=True)
class Block:
    part: str
    x: int
    y: int
    width: int
    height: int
    is_future: bool


@dataclass(frozen=True, slots=True)
class ColumnLabel:
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class ColumnChart:
    blocks: tuple[Block, ...]
    levels: tuple[Tick, ...]
    labels: tuple[ColumnLabel, ...]


def percent_of_box(place: int) -> str:
    """A place as the percentage an SVG attribute takes, with a point whatever the language."""
    return f"{place // 10}.{place % 10}%"


def round_top(value: int) -> int:
    """The smallest round number (1, 1.2, 1.6, 2, 3, 4, 5, 6 or 8 times a power of ten) that is not below `value`."""
    power = 1
    while True:
        for tenths in (10, 12, 16, 20, 30, 40, 50, 60, 80):
            top = power * tenths // 10
            if top >= value and top > 0:
                return top
        power *= 10


def levels(top: int) -> tuple[Tick, ...]:
    """Two lines to read heights by: the top and its half."""
    return (Tick(percent_of_box(0), top), Tick(percent_of_box(BOX // 2), top // 2))


def area_chart(series: Sequence[Series], days: Sequence[date]) -> AreaChart | None:
    """A stacked area over `days` (ascending, at least two); None where there is nothing to show."""
    highest = max((sum(one.values[at] for one in series) for at in range(len(days))), default=0)
    if len(days) < 2 or highest <= 0:
        return None
    top = round_top(highest)
    span = max((days[-1] - days[0]).days, 1)
    xs = [(day - days[0]).days * BOX // span for day in days]
    below = [0] * len(days)
    bands = []
    for one in series:
        above = [base + value for base, value in zip(below, one.values, strict=True)]
        bands.append(_band(one, xs, below, above, top))
        below = above
    return AreaChart(tuple(bands), levels(top), _years(days, span))


def _band(one: Series, xs: list[int], below: list[int], above: list[int], top: int) -> Band:
    """Drawn up to the first day from which on there is none of it."""
    end = max(at for at, value in enumerate(one.values) if value or not at) + 2
    upper, lower = _edge(xs[:end], above, top), _edge(xs[:end], below, top)
    thick = (above[0] - below[0]) * BOX // top
    middle = BOX - (above[0] + below[0]) * BOX // (2 * top)
    label_at = percent_of_box(middle) if thick >= LABEL_ROOM else ""
    return Band(one.label, one.slot, " ".join((*upper, *reversed(lower))), label_at)


def _edge(xs: Sequence[int], values: Sequence[int], top: int) -> list[str]:
    """The corners of a line from left to right; days in the middle of a level stretch are none."""
    ys = [BOX - value * BOX // top for _, value in zip(xs, values, strict=False)]
    last = len(ys) - 1
    return [
        f"{x},{y}"
        for at, (x, y) in enumerate(zip(xs, ys, strict=True))
        if not 0 < at < last or {*ys[at - 1 : at + 2]} != {y}
    ]


def _years(days: Sequence[date], span: int) -> tuple[Tick, ...]:
    """The Januaries in between, at most four, none too close to the ends ("Today", "October 2049")."""
    first, last = days[0], days[-1]
    januaries = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]
    step = -(-len(januaries) // 4) or 1
    ticks = []
    for day in januaries[step - 1 :: step]:
        place = (day - first).days * BOX // span
        if 150 <= place <= 780:
            ticks.append(Tick(percent_of_box(place), day=day, is_crowded=not 240 <= place <= 580))
    return tuple(ticks)


def line_chart(planned: Sequence[Point], actual: Sequence[Point], today: date) -> LineChart | None:
    """Two balances over time, each from its first day on; None where there is nothing to show."""
    points = [*planned, *actual]
    highest = max((value for _, value in points), default=0)
    days = sorted({day for day, _ in points})
    if len(days) < 2 or highest <= 0:
        return None
    top, span = round_top(highest), max((days[-1] - days[0]).days, 1)
    place = (today - days[0]).days * BOX // span
    return LineChart(
        planned=_steps(planned, days[0], span, top),
        actual=_steps(actual, days[0], span, top),
        levels=levels(top),
        years=_years(days, span),
        today_at=percent_of_box(place) if 0 <= place <= BOX else "",
    )


Point = tuple[date, int]  # a day, and the balance from then on


def _steps(points: Sequence[Point], first: date, span: int, top: int) -> str:
    """The path of a balance: level until the next day on which it changes."""
    path = ""
    for day, value in points:
        x, y = (day - first).days * BOX // span, BOX - value * BOX // top
        path += f"H{x}V{y}" if path else f"M{x} {y}"
    return path


def balance_chart(points: Sequence[Point], last: date) -> BalanceChart | None:
    """An account's balance from the first of `points` (its first day and what is there then) up to `last`, several of
    one day in their order; None where nothing moves."""
    values = [value for _, value in points]
    if len(points) < 2 or not any(values):
        return None
    highest, deepest = max(*values, 0), -min(*values, 0)
    top, bottom = round_top(highest) if highest else 0, round_top(deepest) if deepest else 0
    first, height = points[0][0], top + bottom
    span = max((last - first).days, 1)

    def place(day: date) -> int:
        return (day - first).days * BOX // span

    def depth(value: int) -> int:
        return (top - value) * BOX // height

    corners = [(place(day), depth(value)) for day, value in points]
    low_day, low = min(points, key=lambda point: point[1])
    return BalanceChart(
        line="".join(f"H{x}V{y}" if at else f"M{x} {y}" for at, (x, y) in enumerate(corners)) + f"H{BOX}",
        below=_below(corners, depth(0)),
        zero=depth(0),
        levels=tuple(Tick(percent_of_box(depth(value)), value) for value in (top, 0, -bottom) if value),
        months=_months(first, last, span),
        lowest_at=percent_of_box(place(low_day)),
        lowest=Tick(percent_of_box(depth(low)), low, low_day),
        last=last,
    )


def _below(corners: Sequence[tuple[int, int]], zero: int) -> str:
    """The shape between a line of steps and zero, wherever the line lies below."""
    ends = [*(x for x, _ in corners[1:]), BOX]
    return "".join(f"M{x} {zero}V{y}H{end}V{zero}Z" for (x, y), end in zip(corners, ends, strict=True) if y > zero)


def _months(first: date, last: date, span: int) -> tuple[Tick, ...]:
    """The first days of months in between, where there is room for them."""
    days, day = [], first
    while (day := (day + relativedelta(months=1)).replace(day=1)) < last:
        days.append(((day - first).days * BOX // span, day))
    return tuple(
        Tick(percent_of_box(at), day=day, is_crowded=not 240 <= at <= 580) for at, day in days if 150 <= at <= 780
    )


def column_chart(stacks: Sequence[Stack]) -> ColumnChart | None:
    """Columns of stacked parts, principal at the bottom; None where there is nothing to show."""
    highest = max((stack.total for stack in stacks), default=0)
    if highest <= 0:
        return None
    top = round_top(highest)
    slot = BOX * 10 // len(stacks)
    width = max(slot * 7 // 100, 2)
    blocks = []
    for at, stack in enumerate(stacks):
        x, base = (at * slot + slot * 15 // 100) // 10, BOX
        for part, value in stack.parts:
            height = value * BOX // top
            if height > 0:
                base -= height
                blocks.append(Block(part, x, base, width, height, stack.is_future))
    step = -(-len(stacks) // 6)
    labels = [
        ColumnLabel(percent_of_box((at * slot + slot // 2) // 10), stack.label)
        for at, stack in enumerate(stacks)
        if at % step == 0
    ]
    return ColumnChart(tuple(blocks), levels(top), tuple(labels))
