"""How interest came about: days x rate x base, stretch by stretch, and what rounding added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from ledger.loanmath.day_count import YEAR_DAYS, DayCount, days
from ledger.loanmath.explanation import Term, TermKind
from ledger.loanmath.facts import Fact, RateChange
from ledger.loanmath.interest import Period, year_fraction
from ledger.loanmath.money import Rounding
from ledger.loanmath.plan import Plan
from ledger.loanmath.terms import LoanTerms, Method
from ledger.loanmath.witness import Accrual

BY_CALENDAR_YEAR = {DayCount.ACT_ACT: 1, DayCount.ACT_ACT_DEC31: 31}


def accrued_terms(accruals: Sequence[Accrual], facts: Sequence[Fact]) -> list[Term]:
    """The terms of interest fixed inside a period, in minor units; each rests on the fact that began its stretch."""
    terms: list[Term] = []
    began_by: tuple[int, ...] = ()
    for plan, until, fact, rounds in accruals:
        if rounds is None:
            terms += stretch_terms(plan, until, facts, began_by)
        else:
            terms.append(Term(kind=TermKind.ROUNDING, amount=rounds, rounding=interest_rounding(plan.terms)))
        began_by = (fact,) if fact is not None else began_by
    return terms


def began_by(accruals: Sequence[Accrual]) -> tuple[int, ...]:
    """The fact that began the stretch after the last accrual."""
    found = [accrual.fact for accrual in accruals if accrual.fact is not None]
    return tuple(found[-1:])


def stretch_terms(plan: Plan, until: date, facts: Sequence[Fact], began: tuple[int, ...] = ()) -> list[Term]:
    """The interest of the current period from where it was last fixed up to `until`, in minor units. Nothing where no
    day lies between."""
    period = plan.period(plan.at)
    since, until = plan.accrued_to or period.starts_on, min(until, period.due_on)
    if until <= since:
        return _whole_without_days(plan, period)
    if plan.terms.method is Method.LISTED:
        return [_listed(plan, period, since, until, began)]
    base = plan.flat_base if plan.terms.method is Method.FLAT else plan.balance
    terms = _on(TermKind.INTEREST, plan, Fraction(base, plan.scale), (since, until), facts, began)
    if plan.overdue and plan.terms.method is not Method.FLAT:
        overdue = Fraction(plan.overdue, plan.scale)
        terms += _on(TermKind.OVERDUE_INTEREST, plan, overdue, (since, until), facts, began)
    return terms


def _whole_without_days(plan: Plan, period: Period) -> list[Term]:
    """A period moved to where no day is left of it still counts whole where every period does."""
    if period.starts_on != period.due_on or plan.accrued or plan.accrued_to:
        return []
    base, factor = Fraction(plan.balance, plan.scale), plan.factor(plan.at, period.starts_on, period.due_on)
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
    terms = []
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


def _rate_pieces(plan: Plan, period: Period, since: date, until: date) -> Iterator[tuple[date, date, Fraction, date]]:
    """The days between two days by the rate that held on them, and by calendar year where the day count asks for it:
    first day, the day after the last, the rate, and since when it holds."""
    segments = [*plan.rates.segments, (date.max, Fraction(0))]
    for (start, rate), (end, _) in pairwise(segments):
        first, last = max(start, since), min(end, until)
        if first >= last:
            continue
        cuts = [first, *_new_years(plan.terms, period, first, last), last]
        for a, b in pairwise(cuts):
            yield a, b, rate, start


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


def _listed(plan: Plan, period: Period, since: date, until: date, began: tuple[int, ...]) -> Term:
    """The interest of the lender's own row, for the days and for what is owed of what the table shows."""
    amount = (plan.balance + plan.overdue) * plan.factor(plan.at, since, until) / plan.scale
    return Term(
        kind=TermKind.LISTED_INTEREST,
        amount=amount,
        since=since,
        until=until,
        days=(until - since).days,
        base=Fraction(plan.balance + plan.overdue, plan.scale),
        year_days=(period.due_on - period.starts_on).days,
        number=plan.place(plan.at) + 1,
        facts=began,
    )


def interest_rounding(terms: LoanTerms) -> Rounding:
    """How the agreement rounds interest."""
    return terms.interest_rounding or terms.rounding
