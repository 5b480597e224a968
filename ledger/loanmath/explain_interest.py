"""How interest came about: days x rate x base, stretch by stretch, and what rounding added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from ledger.loanmath.day_count import YEAR_DAYS, DayCount, days
from ledger.loanmath.explanation import Term, TermKind
from ledger.loanmath.facts import Fact, Pause, RateChange
from ledger.loanmath.interest import Period, year_fraction
from ledger.loanmath.money import Rounding
from ledger.loanmath.plan import Plan
from ledger.loanmath.terms import LoanTerms, Method
from ledger.loanmath.witness import Accrual

BY_CALENDAR_YEAR = {DayCount.ACT_ACT: 1, DayCount.ACT_ACT_DEC31: 31}


def fixed_terms(plan: Plan, accruals: Sequence[Accrual], facts: Sequence[Fact]) -> list[Term]:
    """The terms of interest fixed so far in the plan's current period, in minor units; each rests on the fact that
    began its stretch."""
    if plan.accrued_to is None and not plan.accrued:
        return []
    terms: list[Term] = []
    began: tuple[int, ...] = ()
    for accrual in accruals:
        if accrual.rounds is not None:
            rounding = interest_rounding(plan.terms)
            terms.append(Term(kind=TermKind.ROUNDING, amount=accrual.rounds, rounding=rounding))
        elif accrual.late:
            terms += _late_terms(accrual, facts)
        else:
            terms += stretch_terms(accrual.plan, accrual.until, facts, began, accrual.overdue)
        began = (accrual.fact,) if accrual.fact is not None else began
    return terms


def _late_terms(accrual: Accrual, facts: Sequence[Fact]) -> list[Term]:
    """Interest on overdue principal alone, rounded by itself if parts are rounded."""
    plan = accrual.plan
    stretch = (accrual.since or accrual.until, accrual.until)
    terms = _on(TermKind.OVERDUE_INTEREST, plan, Fraction(accrual.overdue), stretch, facts, ())
    if plan.terms.round_parts:
        terms.append(_rounded(plan, sum((term.amount for term in terms), Fraction(0))))
    return terms


def _rounded(plan: Plan, exact: Fraction) -> Term:
    scaled = exact * plan.scale
    rounded = Fraction(plan.round_interest(scaled.numerator, scaled.denominator), plan.scale)
    return Term(kind=TermKind.ROUNDING, amount=rounded - exact, rounding=interest_rounding(plan.terms))


def began_by(accruals: Sequence[Accrual]) -> tuple[int, ...]:
    """The fact that began the stretch after the last accrual."""
    found = [accrual.fact for accrual in accruals if accrual.fact is not None]
    return tuple(found[-1:])


def stretch_terms(
    plan: Plan, until: date, facts: Sequence[Fact], began: tuple[int, ...] = (), overdue: int = 0
) -> list[Term]:
    """The interest of the current period from where it was last fixed up to `until`, in minor units, on what is owed
    and on what is `overdue`. Nothing where no day lies between."""
    period = plan.period(plan.at)
    since, until = plan.accrued_to or period.starts_on, min(until, period.due_on)
    if until <= since:
        return _whole_without_days(plan, period)
    base = Fraction(plan.flat_base if plan.terms.method is Method.FLAT else plan.balance - plan.paid_ahead, plan.scale)
    terms: list[Term] = []
    exact = plan.accrued / plan.scale
    for first, last in pairwise(
        [since, *(plan.rates.resumptions(since, until) if plan.terms.round_parts else ()), until]
    ):
        terms += _on(TermKind.INTEREST, plan, base, (first, last), facts, began)
        if last < until:
            terms.append(_rounded(plan, exact + sum((term.amount for term in terms), Fraction(0))))
    if overdue:
        terms += _on(TermKind.OVERDUE_INTEREST, plan, Fraction(overdue), (since, until), facts, began)
    return terms


def _whole_without_days(plan: Plan, period: Period) -> list[Term]:
    """A period moved to where no day is left of it still counts whole where every period does."""
    if period.starts_on != period.due_on or plan.accrued or plan.accrued_to:
        return []
    base, factor = (
        Fraction(plan.balance - plan.paid_ahead, plan.scale),
        plan.factor(plan.at, period.starts_on, period.due_on),
    )
    rate = plan.rates.segments[-1][1]
    part = factor / rate if rate else Fraction(0)
    return [Term(kind=TermKind.INTEREST, amount=base * factor, base=base, rate=rate, year_part=part)]


def _on(
    kind: TermKind,
    plan: Plan,
    base: Fraction,
    stretch: tuple[date, date],
    facts: Sequence[Fact],
    began: tuple[int, ...],
) -> list[Term]:
    period = plan.period(plan.at)
    if plan.terms.method is Method.LISTED:
        return [_listed(kind, plan, base, stretch, began)]
    terms = [_paused(first, after, stretch, facts) for first, after in plan.rates.pauses_within(*stretch)]
    for since, until, rate, changed_on in _rate_pieces(plan, period, *stretch):
        part = year_fraction(plan.terms, period, since, until)
        counted_from = max(since, period.accrues_from)
        used = [f.id for f in facts if isinstance(f, RateChange) and f.effective_on == changed_on]
        whole = period.year_part is not None and since <= period.starts_on and until >= period.due_on
        terms.append(
            Term(
                kind=kind,
                amount=base * rate * part,
                since=counted_from,
                until=max(until, counted_from),
                days=None if whole else max(days(_rule(plan.terms, period), counted_from, until), 0),
                base=base,
                rate=rate,
                year_part=part,
                year_days=None if whole else _year_days(plan.terms, period, counted_from, until, part),
                day_count=plan.terms.day_count,
                facts=(*began, *used),
            )
        )
    return terms


def _paused(first: date, after: date, stretch: tuple[date, date], facts: Sequence[Fact]) -> Term:
    """Days without interest, and the facts that paused it on them."""
    first, after = max(first, stretch[0]), min(after, stretch[1])
    used = [f.id for f in facts if isinstance(f, Pause) and f.effective_on < after and f.until >= first]
    return Term(
        kind=TermKind.PAUSED, amount=Fraction(0), since=first, until=after, days=(after - first).days, facts=tuple(used)
    )


def _rate_pieces(plan: Plan, period: Period, since: date, until: date) -> Iterator[tuple[date, date, Fraction, date]]:
    """The days between two days that bear interest, by the rate that held on them, and by calendar year where the day
    count asks for it: first day, the day after the last, the rate, and since when it holds."""
    segments = [*plan.rates.segments, (date.max, Fraction(0))]
    for first, last in _not_paused(plan, since, until):
        for (start, rate), (end, _) in pairwise(segments):
            begins, ends = max(start, first), min(end, last)
            if begins >= ends:
                continue
            for a, b in pairwise([begins, *_new_years(plan.terms, period, begins, ends), ends]):
                yield a, b, rate, start


def _not_paused(plan: Plan, since: date, until: date) -> Iterator[tuple[date, date]]:
    for first, after in plan.rates.pauses_within(since, until):
        if since < first:
            yield since, first
        since = max(since, after)
    if since < until:
        yield since, until


def _new_years(terms: LoanTerms, period: Period, first: date, last: date) -> list[date]:
    """Where a count by calendar years changes the length of the year, between two days."""
    day = BY_CALENDAR_YEAR.get(terms.day_count)
    if period.year_part is not None or day is None:
        return []
    edges = [date(year, 1, 1) if day == 1 else date(year, 12, 31) for year in range(first.year, last.year + 1)]
    return [edge for edge in edges if max(first, period.accrues_from) < edge < last]


def _rule(terms: LoanTerms, period: Period) -> DayCount:
    return terms.day_count if period.year_part is None else terms.part_period


def _year_days(terms: LoanTerms, period: Period, since: date, until: date, part: Fraction) -> int | None:
    """The number the days are divided by, where it is one number: days / number is exactly `part`."""
    counted = days(_rule(terms, period), since, until) if until > since else 0
    if not part:
        return YEAR_DAYS.get(_rule(terms, period), 360)
    over = counted / part
    return over.numerator if over.denominator == 1 else None


def _listed(kind: TermKind, plan: Plan, base: Fraction, stretch: tuple[date, date], began: tuple[int, ...]) -> Term:
    """The interest of the lender's own row, for the days and for what is owed of what the table shows."""
    period, (since, until) = plan.period(plan.at), stretch
    paused = sum(
        (min(after, until) - max(first, since)).days for first, after in plan.rates.pauses_within(since, until)
    )
    return Term(
        kind=TermKind.LISTED_INTEREST if kind is TermKind.INTEREST else kind,
        amount=base * plan.factor(plan.at, since, until),
        since=since,
        until=until,
        days=(until - since).days - paused,
        base=base,
        year_days=(period.due_on - period.starts_on).days,
        number=plan.place(plan.at) + 1,
        facts=began,
    )


def interest_rounding(terms: LoanTerms) -> Rounding:
    """How the agreement rounds interest."""
    return terms.interest_rounding or terms.rounding
