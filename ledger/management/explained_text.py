"""Explanations of amounts as `manage.py schedule --explain` prints them: one line a term, and the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from ledger.loanmath.explain import Explainer, cells
from ledger.loanmath.explanation import Cell, Explanation, Of, Part, Subject, Term, TermKind, cell_named
from ledger.loanmath.money import decimal_text, exponent
from ledger.loanmath.projection import Projection
from ledger.management.tables import table

SHARED_OUT = (TermKind.EQUAL_SHARE, TermKind.FLAT_FEE, TermKind.ANNUITY)  # `number` bills take a part each
MOST_PLACES = 6  # decimals shown of what is not a whole minor unit


def explanations(projection: Projection, name: str) -> list[Explanation]:
    """The amount called `name`, as "bill-3-interest"; with "" all amounts the bills ask for. Raises NoSuchCell."""
    explainer = Explainer(projection)
    if name:
        return [explainer.explain(cell_named(name))]
    return [found for cell in _of_the_bills(projection) if (found := explainer.explain(cell)).amount]


def _of_the_bills(projection: Projection) -> Iterator[Cell]:
    for cell in cells(projection):
        if cell.subject is Subject.BILL and cell.of is Of.DUE and cell.part is not Part.TOTAL:
            yield cell


def explained_text(found: Iterable[Explanation]) -> str:
    """Each amount with its terms, the terms adding up to it."""
    return "\n".join("\n".join(_lines(one)) + "\n" for one in found)


def _lines(one: Explanation) -> list[str]:
    amounts = [*(_exact(term.amount, one.currency) for term in one.terms), decimal_text(one.amount, one.currency)]
    words = [*((_words(term), _working(term, one.currency)) for term in one.terms), ("in all", "")]
    cells = [[f"  {said}", working, text] for (said, working), text in zip(words, _aligned(amounts), strict=True)]
    rate = [f"  a year, simple: {_percent(Fraction(one.rate))}"] if one.rate is not None else []
    return [one.cell.name, *table((), cells, left=(0, 1))[2:], *rate]


def _aligned(amounts: Sequence[str]) -> list[str]:
    """The amounts with blanks behind them, so that their decimal points stand under one another."""
    decimals = [len(amount.partition(".")[2]) + ("." in amount) for amount in amounts]
    return [amount + " " * (max(decimals) - here) for amount, here in zip(amounts, decimals, strict=True)]


def _words(term: Term) -> str:
    """What a term is, with the bill and the facts it rests on."""
    words = term.kind.replace("_", " ")
    if term.part is not None:
        words += f": {term.part}"
    if term.number is not None and term.kind not in SHARED_OUT:
        words += f" {term.number}"
    if term.facts:
        words += f" (fact {', '.join(str(fact) for fact in term.facts)})"
    return words


def _working(term: Term, currency: str) -> str:
    """How a term is worked out: "36 days x 18% / 360 x 6000.00, 2026-01-05 to 2026-02-10"."""
    factors = []
    if term.days is not None and term.year_days is not None:
        factors.append(f"{term.days} days / {term.year_days}")
    elif term.year_part is not None:
        factors.append(f"{term.year_part} of a year")
    if term.rate is not None:
        factors.append(_percent(term.rate))
    if term.share is not None:
        factors.append(_percent(term.share) if term.kind is TermKind.PREPAYMENT_FEE else str(term.share))
    if term.base is not None:
        factors.append(_exact(term.base, currency))
    said = " x ".join(factors)
    if term.number is not None and term.kind in SHARED_OUT:
        said += f" over {term.number} bills"
    if term.rounding is not None:
        said = term.rounding.replace("_", " ")
    days = " to ".join(str(day) for day in (term.since, term.until) if day is not None)
    return ", ".join(part for part in (said, days) if part)


def _exact(minor: Fraction, currency: str) -> str:
    """An amount with all its decimals, or six more than the currency has."""
    with localcontext() as context:
        context.prec = 60
        whole = Decimal(minor.numerator) / minor.denominator
        if minor.denominator == 1:
            return decimal_text(int(minor), currency)
        places = exponent(currency)
        shown = format(whole.scaleb(-places).quantize(Decimal(1).scaleb(-places - MOST_PLACES)), "f")
    least = len(shown) - MOST_PLACES
    return shown[:least] + shown[least:].rstrip("0")


def _percent(rate: Fraction) -> str:
    with localcontext() as context:
        context.prec = 60
        shown = (Decimal(rate.numerator) * 100 / rate.denominator).quantize(Decimal("0.000001"))
    return format(shown, "f").rstrip("0").rstrip(".") + "%"


def as_json(one: Explanation) -> dict[str, Any]:
    """An explanation under names that stay; what does not apply to a term is left out."""
    currency = one.currency
    terms = []
    for term in one.terms:
        said: dict[str, Any] = {"kind": term.kind.value, "amount": _exact(term.amount, currency)}
        said |= {name: str(day) for name in ("since", "until") if (day := getattr(term, name)) is not None}
        said |= {name: n for name in ("days", "year_days", "number") if (n := getattr(term, name)) is not None}
        if term.base is not None:
            said["base"] = _exact(term.base, currency)
        if term.rate is not None:
            said["rate"] = _percent(term.rate)
        said |= {"facts": list(term.facts)} if term.facts else {}
        said |= {"cell": term.cell.name} if term.cell is not None else {}
        terms.append(said)
    return {
        "cell": one.cell.name,
        "amount": decimal_text(one.amount, currency),
        "rate": None if one.rate is None else _percent(Fraction(one.rate)),
        "terms": terms,
    }
