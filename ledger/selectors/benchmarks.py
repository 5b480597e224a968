"""Published rates: those that are shipped, and what each household has added or corrected."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.loanmath.benchmarks import RatePoint, Repricing, next_repricing, repricings
from ledger.loanmath.presets import BASIS_POINT
from ledger.loanmath.terms import LoanTerms
from ledger.models import BenchmarkRate, Household, Loan, TermsVersion

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "benchmark_rates.json"
OLD_AFTER_DAYS = 45  # a series is looked at again after a month and a half
NAMES: dict[str, str | Promise] = {
    "CN-LPR-5Y": _("LPR, over 5 years"),
    "CN-LPR-1Y": _("LPR, 1 year"),
    "CN-FUND-1ST-LONG": _("Provident fund, over 5 years, first home"),
    "CN-FUND-1ST-5Y": _("Provident fund, up to 5 years, first home"),
    "CN-FUND-2ND-LONG": _("Provident fund, over 5 years, second home"),
    "CN-FUND-2ND-5Y": _("Provident fund, up to 5 years, second home"),
}
SHORT_NAMES: dict[str, str | Promise] = {"CN-LPR-5Y": _("LPR 5Y"), "CN-LPR-1Y": _("LPR 1Y")}

Points = tuple[RatePoint, ...]
Series = Mapping[str, Points]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A series as it comes with the program: `as_of` is the day up to which it was confirmed."""

    points: Points
    source: str
    as_of: date


@cache
def shipped() -> Mapping[str, Shipped]:
    """The series of the data file, by code."""
    found = {
        said["code"]: Shipped(
            points=tuple(RatePoint(date.fromisoformat(day), Decimal(rate)) for day, rate in said["points"]),
            source=said["source"],
            as_of=date.fromisoformat(said["as_of"]),
        )
        for said in json.loads(SHIPPED.read_text(encoding="utf-8"))
    }
    return MappingProxyType(found)


def series_name(code: str) -> str:
    """What a series is called; its code where it has no name."""
    return str(NAMES.get(code, code))


def short_name(code: str) -> str:
    return str(SHORT_NAMES.get(code, series_name(code)))


def rates_known_to(household: Household) -> Series:
    """All series the household can follow, each in order of its days, in one query."""
    return rates_known([household.pk])[household.pk]


def rates_known(households: Iterable[int]) -> dict[int, Series]:
    """The same for several households by their ids, in one query."""
    ids = set(households)
    own: dict[int, dict[str, dict[date, Decimal | None]]] = {id: defaultdict(dict) for id in ids}
    for row in BenchmarkRate.objects.filter(household__in=ids).order_by("pk"):
        own[row.household_id][row.series][row.effective_on] = row.annual_rate
    return {id: _merged(said) for id, said in own.items()}


def _merged(own: Mapping[str, Mapping[date, Decimal | None]]) -> Series:
    known = {code: series.points for code, series in shipped().items()}
    for code, rates in own.items():
        said: dict[date, Decimal | None] = {point.day: point.annual_rate for point in known.get(code, ())}
        said |= rates
        known[code] = tuple(RatePoint(day, rate) for day, rate in sorted(said.items()) if rate is not None)
    return known


@dataclass(frozen=True, slots=True)
class FollowLine:
    """What a loan's rate follows, in words and figures: `points` are basis points on top of it; `next` is the next
    repricing with the rate as far as it is published."""

    name: str
    points: Decimal
    next: Repricing | None

    @property
    def is_below(self) -> bool:
        return self.points < 0

    @property
    def size(self) -> Decimal:
        """The basis points without their sign."""
        return abs(self.points)


def follow_line(terms: LoanTerms, rates: Series, today: date) -> FollowLine | None:
    """What the rate of `terms` follows; None where it is fixed."""
    followed = terms.benchmark
    if followed is None:
        return None
    points = (followed.spread / BASIS_POINT).normalize()
    coming = next_repricing(terms, rates.get(followed.series, ()), today)
    return FollowLine(short_name(followed.series), points, coming)


def rate_has_moved(terms: LoanTerms, rates: Series, today: date) -> bool:
    """Whether the rate of a loan that follows a series is another by now than it began with."""
    points = rates.get(terms.benchmark.series, ()) if terms.benchmark else ()
    return bool(repricings(terms, points, today))


@dataclass(frozen=True, slots=True)
class RateLine:
    """One point of a series. `said` is the shipped rate where the household's own stands in its place; `recorded_on`:
    when a member recorded it, from `source`; None where it is shipped."""

    on: date
    annual_rate: Decimal | None
    said: Decimal | None = None
    source: str = ""
    recorded_on: date | None = None

    @property
    def is_own(self) -> bool:
        return self.recorded_on is not None


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """A series with its points, newest first. `source` is that of the shipped ones, `as_of` the day up to which the
    series is confirmed; `is_old`: not for a while. `followers` counts the household's loans that follow it."""

    code: str
    name: str
    source: str
    lines: tuple[RateLine, ...]
    followers: int
    as_of: date
    is_old: bool

    @property
    def latest(self) -> RateLine | None:
        return next((line for line in self.lines if line.annual_rate is not None), None)


def series_cards(household: Household, today: date) -> tuple[SeriesCard, ...]:
    """Every series the household can follow, those its loans follow first, in two queries."""
    rows: defaultdict[str, dict[date, BenchmarkRate]] = defaultdict(dict)
    for row in BenchmarkRate.objects.filter(household=household).order_by("pk"):
        rows[row.series][row.effective_on] = row
    followers = _followers(household)
    codes = [*NAMES, *sorted(rows.keys() - NAMES.keys())]
    cards = [_card(code, rows[code], followers.get(code, 0), household, today) for code in codes]
    return tuple(sorted(cards, key=lambda card: not card.followers))


def _followers(household: Household) -> dict[str, int]:
    loans: defaultdict[str, set[int]] = defaultdict(set)
    for loan, conventions in TermsVersion.objects.filter(
        household=household, conventions__has_key="benchmark"
    ).values_list("loan_id", "conventions"):
        loans[conventions["benchmark"]["series"]].add(loan)
    return {code: len(ids) for code, ids in loans.items()}


def _card(
    code: str, own: Mapping[date, BenchmarkRate], followers: int, household: Household, today: date
) -> SeriesCard:
    known = shipped().get(code)
    lines = {point.day: RateLine(point.day, point.annual_rate) for point in known.points} if known else {}
    days = [known.as_of] if known else []
    for day, row in own.items():
        said = lines[day].annual_rate if day in lines else None
        days.append(household.today(row.recorded_at))
        lines[day] = RateLine(day, row.annual_rate, said, row.source, days[-1])
    as_of = max(days, default=today)
    return SeriesCard(
        code=code,
        name=series_name(code),
        source=known.source if known else "",
        lines=tuple(lines[day] for day in sorted(lines, reverse=True)),
        followers=followers,
        as_of=as_of,
        is_old=(today - as_of).days > OLD_AFTER_DAYS,
    )


def following(series: str, household: Household) -> list[Loan]:
    """The household's loans of which some version of the terms follows `series`, in a fixed order."""
    versions = TermsVersion.objects.filter(household=household, conventions__benchmark__series=series)
    return list(Loan.objects.filter(pk__in=versions.values("loan_id")).order_by("pk"))
