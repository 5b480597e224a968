"""True cost: every cash flow of a loan with all fees, as agreed and as it really went, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Protocol

from ledger.loanmath.apr import PERIODS_A_YEAR, AnnualCost, advertised_rate, cost_of_flows
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.facts import Drawdown, Fact, Refund, Repayment
from ledger.loanmath.money import Parts, Rounding, exponent, round_ratio
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import Projection
from ledger.loanmath.replay import agreed_from_the_start
from ledger.loanmath.schedule import ScheduledRow, schedule
from ledger.loanmath.terms import LoanTerms, Method, UnbilledFees, Unit

PER = 1_000  # whole units of the currency borrowed, against which the cost is shown


class FlowKind(StrEnum):
    """What moved the money."""

    LENT = "lent"
    DRAWN = "drawn"
    UPFRONT_FEE = "upfront_fee"
    BILL = "bill"  # a bill that is still to be paid
    REPAYMENT = "repayment"
    REFUND = "refund"  # the worth of a purchase given back
    CREDIT = "credit"  # money paid beyond what is owed, which is still the borrower's


@dataclass(frozen=True, slots=True)
class Flow:
    """Money on one day in minor units: above zero received by the borrower, below zero paid. `number` is the bill of a
    BILL, the fact's id of what was recorded; `is_expected` where it has not happened yet."""

    on: date
    kind: FlowKind
    amount: int
    number: int | None = None
    is_expected: bool = False


class ItemKind(StrEnum):
    """What the borrower pays for."""

    INTEREST = "interest"
    FLAT_FEE = "flat_fee"  # a fee stated for all bills together
    BILL_FEE = "bill_fee"  # fees that come with the bills
    UPFRONT_FEE = "upfront_fee"
    EARLY_FEE = "early_fee"  # asked for repaying early
    PENALTY = "penalty"
    ADDED = "added"  # repaid as principal though never lent: a financed fee, interest that became principal
    FORGIVEN = "forgiven"  # lent, and need not be repaid; below zero


@dataclass(frozen=True, slots=True)
class CostItem:
    """One item of the cost over the whole life, in minor units. `annual` is what it adds to the simple yearly cost, the
    items above it already counted: all of them add up to the whole. None where no rate is found."""

    kind: ItemKind
    amount: int
    annual: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeCost:
    """The cost of a loan over its whole life; `total`, the sum of the items, is what is paid less what is received.

    `lent` is all principal lent and drawn. `annual` is None where no rate makes the flows meet.
    """

    currency: str
    lent: int
    flows: tuple[Flow, ...]
    items: tuple[CostItem, ...]
    annual: AnnualCost | None

    @property
    def total(self) -> int:
        return -sum(flow.amount for flow in self.flows)

    @property
    def paid(self) -> int:
        return -sum(flow.amount for flow in self.flows if flow.amount < 0)

    @property
    def received(self) -> int:
        return sum(flow.amount for flow in self.flows if flow.amount > 0)

    @property
    def thousand(self) -> int:
        """1,000 units of the currency, in minor units."""
        return PER * int(10 ** exponent(self.currency))

    @property
    def per_thousand(self) -> int:
        """What 1,000 units of the currency borrowed cost, in minor units."""
        return round_ratio(self.total * self.thousand, self.lent, Rounding.HALF_UP)


@dataclass(frozen=True, slots=True)
class Advertised:
    """The rate as lenders put it: `rate` a `per` (every so many of them), `times` of which make a year. Never what the
    loan costs."""

    rate: Decimal
    per: Unit
    every: int
    times: Decimal

    @property
    def annual(self) -> Decimal:
        return self.rate * self.times


class ContingentKind(StrEnum):
    """What costs something only if it comes to it."""

    PENALTY_INTEREST = "penalty_interest"
    LATE_FEE = "late_fee"
    PREPAYMENT_FEE = "prepayment_fee"
    UNBILLED_FEES = "unbilled_fees"


@dataclass(frozen=True, slots=True)
class TrueCost:
    """`agreed` is the cost in normal performance, as planned on the day of the disbursement; `real` counts what
    happened up to `as_of` and, for the rest, what the projection expects. `contingent` is what the agreement charges
    beside, for lateness or early repayment."""

    as_of: date
    terms: LoanTerms
    advertised: Advertised
    agreed: LifeCost
    real: LifeCost
    contingent: tuple[ContingentKind, ...]


class AskedFor(Protocol):
    """What the cost asks of a bill: a `ProjectedBill`, or one as it is stored."""

    @property
    def number(self) -> int: ...
    @property
    def payable_on(self) -> date: ...
    @property
    def due(self) -> Parts: ...
    @property
    def waived(self) -> Parts: ...
    @property
    def open(self) -> Parts: ...


@dataclass(frozen=True, slots=True)
class Books:
    """What the cost asks of a projection: its bills, the money paid beyond what could be allocated, and what was paid
    of no bill."""

    bills: Sequence[AskedFor]
    credit: int
    unbilled: Parts


def true_cost(terms: LoanTerms, facts: Iterable[Fact], as_of: date, books: Books | None = None) -> TrueCost:
    """What a loan truly costs as of a day; facts that are undone or later do not count. `books` are those of the
    projection as of that day, where they are at hand.

    The form follows the Chinese disclosure of the total cost of credit (个人贷款业务明示综合融资成本规定, in force
    since 2026-08-01) and PBOC announcement 2021 no. 3. Raises NeverAmortizes.
    """
    facts = live(facts)
    first, later = agreed_from_the_start(terms, [fact for fact in facts if fact.effective_on <= as_of])
    books = books or books_of(project(terms, facts, as_of))
    return TrueCost(
        as_of=as_of,
        terms=first,
        advertised=advertised(first),
        agreed=agreed_cost(first),
        real=_real_cost(first, later, books, as_of),
        contingent=contingent(first),
    )


def advertised(terms: LoanTerms) -> Advertised:
    """A flat price by the bill, interest counted in days over 360 by the day where that is a rate lenders would quote,
    any other rate by the year."""
    annual = advertised_rate(terms)
    if terms.method is Method.FLAT:
        times, per, every = PERIODS_A_YEAR[terms.unit] / terms.every, terms.unit, terms.every
    elif terms.day_count is DayCount.ACT_360 and _is_quotable(annual / 360):
        times, per, every = Decimal(360), Unit.DAY, 1
    else:
        times, per, every = Decimal(1), Unit.YEAR, 1
    with localcontext() as context:
        context.prec = 40
        return Advertised(annual / times, per, every, times)


def _is_quotable(rate: Decimal) -> bool:
    """Whether a rate is exact as a percentage with four decimals: 18 % / 360 is 0.05 % a day, 6 % / 360 never ends."""
    return rate == rate.quantize(Decimal("0.000001"))


def contingent(terms: LoanTerms) -> tuple[ContingentKind, ...]:
    """The costs of lateness and of early repayment that the agreement names."""
    penalty, early = terms.penalty, terms.prepayment_fee
    late_fee = penalty.late_fee or penalty.late_fee_share or penalty.late_fee_floor
    early_fee = early.fraction or early.tiers or early.months_of_interest or early.least
    fees_to_come = terms.bill_fee or terms.bill_fee_rate or terms.flat_fee
    named = {
        ContingentKind.PENALTY_INTEREST: penalty.annual_rate,
        ContingentKind.LATE_FEE: late_fee,
        ContingentKind.PREPAYMENT_FEE: early_fee,
        ContingentKind.UNBILLED_FEES: fees_to_come and terms.unbilled_fees is not UnbilledFees.WAIVED,
    }
    return tuple(kind for kind, is_named in named.items() if is_named)


# --- As agreed.


def agreed_cost(terms: LoanTerms) -> LifeCost:
    """The cost if every bill is paid on its day. Raises NeverAmortizes."""
    rows = schedule(terms)
    flows = [Flow(terms.disbursed_on, FlowKind.LENT, terms.principal)]
    if terms.upfront_fee:
        flows.append(Flow(terms.disbursed_on, FlowKind.UPFRONT_FEE, -terms.upfront_fee))
    flows += [Flow(row.due_on, FlowKind.BILL, -row.payment, row.number, True) for row in rows]
    annual = _annual(terms, flows)
    return LifeCost(
        currency=terms.currency,
        lent=terms.principal,
        flows=tuple(flows),
        items=_agreed_items(terms, rows, annual),
        annual=annual,
    )


def _agreed_items(terms: LoanTerms, rows: Sequence[ScheduledRow], annual: AnnualCost | None) -> tuple[CostItem, ...]:
    """The items that cost something, each with what it adds to the simple yearly cost; with the last it is `annual`."""
    fees = [_fees_of_a_bill(terms, row.fee) for row in rows]
    start, more = terms.disbursed_on, sum(row.principal for row in rows) - terms.principal
    by_kind: dict[ItemKind, list[tuple[date, int]]] = {
        ItemKind.INTEREST: [(row.due_on, row.payment - row.principal - row.fee) for row in rows],
        ItemKind.FLAT_FEE: [(row.due_on, flat) for row, (flat, _) in zip(rows, fees, strict=True)],
        ItemKind.BILL_FEE: [(row.due_on, of_bill) for row, (_, of_bill) in zip(rows, fees, strict=True)],
        ItemKind.UPFRONT_FEE: [(start, terms.upfront_fee)],
        _beyond_lent(more): [(start, more)],
    }
    lent = terms.principal + more
    counted = [(start, lent), *((row.due_on, -row.principal) for row in rows)]
    asked = {kind: costs for kind, costs in by_kind.items() if any(cost for _, cost in costs)}
    so_far: Decimal | None = Decimal(0)
    items = []
    for number, (kind, costs) in enumerate(asked.items(), start=1):
        counted += [(day, -cost) for day, cost in costs]
        found = annual if number == len(asked) else cost_of_flows(terms, counted)
        now = found.simple if found else None
        added = None if now is None or so_far is None else now - so_far
        items.append(CostItem(kind, sum(cost for _, cost in costs), added))
        so_far = now
    return tuple(items)


def _beyond_lent(more: int) -> ItemKind:
    """The item for principal repaid beyond what was lent, or short of it."""
    return ItemKind.ADDED if more > 0 else ItemKind.FORGIVEN


def _fees_of_a_bill(terms: LoanTerms, fee: int) -> tuple[int, int]:
    """A bill's fee as its share of a flat fee and the rest."""
    if not terms.flat_fee:
        return 0, fee
    numerator, denominator = terms.bill_fee_rate.as_integer_ratio()
    of_bill = min(terms.bill_fee + round_ratio(terms.principal * numerator, denominator, terms.rounding), fee)
    return fee - of_bill, of_bill


def _annual(terms: LoanTerms, flows: Iterable[Flow]) -> AnnualCost | None:
    return cost_of_flows(terms, [(flow.on, flow.amount) for flow in flows])


# --- As it really went.


def books_of(loan: Projection) -> Books:
    """What the cost asks of this projection."""
    unbilled = sum((paid.parts for paid in loan.allocations if paid.bill is None), Parts())
    return Books(loan.bills, loan.credit, unbilled)


def _real_cost(terms: LoanTerms, facts: Sequence[Fact], loan: Books, as_of: date) -> LifeCost:
    flows = [*_recorded(terms, facts), *_still_to_come(terms, loan, as_of)]
    over = loan.credit - sum(bill.open.total for bill in loan.bills)
    if over > 0:
        flows.append(Flow(max(flow.on for flow in flows), FlowKind.CREDIT, over))
    flows.sort(key=lambda flow: flow.on)
    drawn = sum(flow.amount for flow in flows if flow.kind is FlowKind.DRAWN)
    return LifeCost(
        currency=terms.currency,
        lent=terms.principal + drawn,
        flows=tuple(flows),
        items=_real_items(terms, loan, -sum(flow.amount for flow in flows)),
        annual=_annual(terms, flows),
    )


def _recorded(terms: LoanTerms, facts: Sequence[Fact]) -> list[Flow]:
    """What was lent and paid so far; repayments before the disbursement are history and do not count."""
    flows = [Flow(terms.disbursed_on, FlowKind.LENT, terms.principal)]
    if terms.upfront_fee:
        flows.append(Flow(terms.disbursed_on, FlowKind.UPFRONT_FEE, -terms.upfront_fee))
    for fact in facts:
        if isinstance(fact, Drawdown):
            flows.append(Flow(fact.effective_on, FlowKind.DRAWN, fact.amount, fact.id))
        elif isinstance(fact, Repayment) and fact.effective_on >= terms.disbursed_on:
            flows.append(Flow(fact.effective_on, FlowKind.REPAYMENT, -fact.amount, fact.id))
        elif isinstance(fact, Refund):
            flows.append(Flow(fact.effective_on, FlowKind.REFUND, -fact.amount, fact.id))
    return flows


def _still_to_come(terms: LoanTerms, loan: Books, as_of: date) -> list[Flow]:
    """Every open bill on the last day to pay it, an overdue one today; money held pays the first of them."""
    flows, held = [], loan.credit
    for bill in sorted(loan.bills, key=lambda bill: (bill.payable_on, bill.number)):
        met = min(held, bill.open.total)
        held -= met
        if bill.open.total > met:
            day = max(bill.payable_on, as_of, terms.disbursed_on)
            flows.append(Flow(day, FlowKind.BILL, met - bill.open.total, bill.number, True))
    return flows


def _real_items(terms: LoanTerms, loan: Books, total: int) -> tuple[CostItem, ...]:
    asked = sum((bill.due - bill.waived for bill in loan.bills), Parts())
    beside = loan.unbilled
    amounts = {
        ItemKind.INTEREST: asked.interest + beside.interest,
        ItemKind.BILL_FEE: asked.fee,
        ItemKind.UPFRONT_FEE: terms.upfront_fee,
        ItemKind.EARLY_FEE: beside.fee,
        ItemKind.PENALTY: asked.penalty + beside.penalty,
    }
    more = total - sum(amounts.values())
    amounts[_beyond_lent(more)] = more
    return tuple(CostItem(kind, amount) for kind, amount in amounts.items() if amount)
