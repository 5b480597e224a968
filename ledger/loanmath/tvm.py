"""The annuity functions of a financial calculator, with its signs: money received is positive, money paid negative.

`rate` is a fraction per period, `n` the number of periods, `when` 0 for payments at the end of each period and 1 at
its start. All are exact to at least 28 digits. The equation behind them:
pv (1+r)^n + pmt (1 + r when) ((1+r)^n - 1) / r + fv = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import wraps
from itertools import pairwise
from math import lcm
from typing import ParamSpec

from ledger.loanmath.day_count import DayCount, fraction
from ledger.loanmath.roots import NoSolution, bracket, root

_P = ParamSpec("_P")
ZERO, ONE = Decimal(0), Decimal(1)
TimedFlow = tuple[Fraction, Decimal]  # years from now, amount
# Where an internal rate is looked for, from the likeliest on: rates a period, then losses.
_RATES = [Decimal(text) for text in "0 0.001 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 100 1000".split()]  # noqa: SIM905
_LOSSES = [Decimal(text) for text in "0 -0.01 -0.05 -0.1 -0.2 -0.5 -0.8 -0.95 -0.99".split()]  # noqa: SIM905


def _precise(function: Callable[_P, Decimal]) -> Callable[_P, Decimal]:
    """Compute with 40 digits, whatever the caller's context."""

    @wraps(function)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> Decimal:
        with localcontext() as context:
            context.prec = 40
            return function(*args, **kwargs)

    return wrapped


@_precise
def quotient(numerator: int, denominator: int) -> Decimal:
    """A quotient to 40 digits: rates such as 0.08 / 12 must not be cut short before they are used."""
    return Decimal(numerator) / denominator


def _annuity(rate: Decimal, n: Decimal, when: int) -> Decimal:
    """What `n` payments of one are worth at the end."""
    return n if rate == 0 else (ONE + rate * when) * ((ONE + rate) ** n - ONE) / rate


@_precise
def pmt(rate: Decimal, n: Decimal, pv: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """The level payment."""
    return -(pv * (ONE + rate) ** n + fv) / _annuity(rate, n, when)


@_precise
def fv(rate: Decimal, n: Decimal, pmt: Decimal, pv: Decimal = ZERO, when: int = 0) -> Decimal:
    """What is there after `n` periods."""
    return -(pv * (ONE + rate) ** n + pmt * _annuity(rate, n, when))


@_precise
def pv(rate: Decimal, n: Decimal, pmt: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """What the payments are worth today."""
    return -(fv + pmt * _annuity(rate, n, when)) / (ONE + rate) ** n


@_precise
def nper(rate: Decimal, pmt: Decimal, pv: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """How many periods it takes; NoSolution if it never ends."""
    if rate == 0:
        if pmt == 0:
            raise NoSolution("nothing is paid")
        return -(pv + fv) / pmt
    due = pmt * (ONE + rate * when) / rate
    if pv + due == 0 or (due - fv) / (pv + due) <= 0:
        raise NoSolution("the payment never repays the loan")
    return ((due - fv) / (pv + due)).ln() / (ONE + rate).ln()


@_precise
def ipmt(rate: Decimal, k: Decimal, n: Decimal, pv: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """The interest in payment `k` (1 is the first)."""
    if when == 1 and k == 1:
        return ZERO
    payment = pmt(rate, n, pv, fv, when)
    owed = pv * (ONE + rate) ** (k - 1) + payment * _annuity(rate, k - 1, when)
    return -owed * rate / (ONE + rate * when)


@_precise
def ppmt(rate: Decimal, k: Decimal, n: Decimal, pv: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """The principal in payment `k`."""
    return pmt(rate, n, pv, fv, when) - ipmt(rate, k, n, pv, fv, when)


@_precise
def cumipmt(rate: Decimal, n: Decimal, pv: Decimal, first: Decimal, last: Decimal, when: int = 0) -> Decimal:
    """The interest in payments `first` to `last`, both included."""
    return sum((ipmt(rate, Decimal(k), n, pv, ZERO, when) for k in range(int(first), int(last) + 1)), ZERO)


@_precise
def cumprinc(rate: Decimal, n: Decimal, pv: Decimal, first: Decimal, last: Decimal, when: int = 0) -> Decimal:
    """The principal in payments `first` to `last`, both included."""
    return sum((ppmt(rate, Decimal(k), n, pv, ZERO, when) for k in range(int(first), int(last) + 1)), ZERO)


@_precise
def rate(n: Decimal, pmt: Decimal, pv: Decimal, fv: Decimal = ZERO, when: int = 0) -> Decimal:
    """The rate a period; NoSolution if none makes the figures meet."""

    def rest(r: Decimal) -> Decimal:
        growth = (ONE + r) ** -n
        payments = n if r == 0 else (ONE + r * when) * (ONE - growth) / r
        return pv + pmt * payments + fv * growth

    return _search(rest)


@_precise
def npv(rate: Decimal, flows: Sequence[Decimal]) -> Decimal:
    """Today's worth of flows, the first of them one period away."""
    return sum((flow / (ONE + rate) ** k for k, flow in enumerate(flows, start=1)), ZERO)


@_precise
def irr(flows: Sequence[Decimal]) -> Decimal:
    """The rate a period at which the flows (the first is now) are worth nothing; NoSolution if there is none."""

    def worth(r: Decimal) -> Decimal:
        discount, total = ONE / (ONE + r), ZERO
        for flow in reversed(flows):
            total = total * discount + flow
        return total

    return _search(worth)


@_precise
def xnpv(
    rate: Decimal, dates: Sequence[date], flows: Sequence[Decimal], day_count: DayCount = DayCount.ACT_365F
) -> Decimal:
    """Worth on the first date of flows on dates, discounted by fractions of a year."""
    return _worth(_placed(dates, flows, day_count))(rate)


@_precise
def xirr(dates: Sequence[date], flows: Sequence[Decimal], day_count: DayCount = DayCount.ACT_365F) -> Decimal:
    """The compound yearly rate at which flows on dates are worth nothing; NoSolution if there is none."""
    return _search(_worth(_placed(dates, flows, day_count)))


@_precise
def irr_by_time(flows: Sequence[TimedFlow]) -> Decimal:
    """The compound yearly rate at which flows, each after a number of years, are worth nothing; NoSolution."""
    return _search(_worth(flows))


def _placed(dates: Sequence[date], flows: Sequence[Decimal], day_count: DayCount) -> list[TimedFlow]:
    return [(fraction(day_count, dates[0], day), flow) for day, flow in zip(dates, flows, strict=True)]


def _worth(flows: Sequence[TimedFlow]) -> Callable[[Decimal], Decimal]:
    """Worth at time 0 by compound yearly rate: from the last flow back, by whole steps of the finest common part of
    a year, so that one root is taken a rate and not one a flow."""
    parts = lcm(*(years.denominator for years, _ in flows))
    placed = sorted(((int(years * parts), flow) for years, flow in flows), reverse=True)
    gaps = [at - before for (at, _), (before, _) in pairwise([*placed, (0, ZERO)])]

    def worth(rate: Decimal) -> Decimal:
        step = (-(ONE + rate).ln() / parts).exp()
        powers = {gap: step**gap for gap in set(gaps)}
        total = ZERO
        for (_, flow), gap in zip(placed, gaps, strict=True):
            total = (total + flow) * powers[gap]
        return total

    return worth


@_precise
def mirr(flows: Sequence[Decimal], finance_rate: Decimal, reinvest_rate: Decimal) -> Decimal:
    """The rate a period if money paid is borrowed at one rate and money received is lent on at another."""
    n = len(flows) - 1
    received = sum((flow * (ONE + reinvest_rate) ** (n - k) for k, flow in enumerate(flows) if flow > 0), ZERO)
    paid = sum((-flow / (ONE + finance_rate) ** k for k, flow in enumerate(flows) if flow < 0), ZERO)
    if not received or not paid:
        raise NoSolution("money must be both paid and received")
    return rri(Decimal(n), paid, received)


@_precise
def ispmt(rate: Decimal, k: Decimal, n: Decimal, pv: Decimal) -> Decimal:
    """The interest in payment `k` (0 is the first, as spreadsheets have it) of equal principal parts."""
    return -pv * rate * (ONE - k / n)


@_precise
def rri(n: Decimal, pv: Decimal, fv: Decimal) -> Decimal:
    """The rate a period at which a sum grows to another."""
    return (fv / pv) ** (ONE / n) - ONE


@_precise
def pduration(rate: Decimal, pv: Decimal, fv: Decimal) -> Decimal:
    """How many periods a sum takes to grow to another."""
    return (fv / pv).ln() / (ONE + rate).ln()


@_precise
def effect(rate: Decimal, n: Decimal) -> Decimal:
    """The compound yearly rate of a nominal one paid `n` times a year."""
    return (ONE + rate / n) ** n - ONE


@_precise
def nominal(rate: Decimal, n: Decimal) -> Decimal:
    """The nominal yearly rate of a compound one, paid `n` times a year."""
    return ((ONE + rate) ** (ONE / n) - ONE) * n


def _search(worth: Callable[[Decimal], Decimal]) -> Decimal:
    for marks in (_RATES, _LOSSES):
        try:
            return root(worth, *bracket(worth, marks))
        except NoSolution:
            continue
    raise NoSolution("no rate makes the figures meet")
