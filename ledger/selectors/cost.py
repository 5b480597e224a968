"""The page of what a loan truly costs: items, flows, what may come on top, and legal caps for information."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.loanmath.cost import Books, CostItem, Flow, FlowKind, ItemKind, LifeCost, TrueCost, books_of, true_cost
from ledger.loanmath.explanation import Cell, Of, Subject
from ledger.loanmath.legal_caps import KNOWN_AS_OF, PLACES, Cap, caps_on
from ledger.loanmath.terms import LoanTerms
from ledger.models import Loan
from ledger.selectors.history import History, history


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item of the disclosure. `rate` is its standard: a year for interest, a share of the amount borrowed for
    fees (of each bill, or once); None where it is a sum or the lender's table."""

    item: CostItem
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One cash flow; `received` and `paid` are never both set. `cell` names the explanation of its amount, if any."""

    flow: Flow
    cell: str = ""

    @property
    def received(self) -> int | None:
        return self.flow.amount if self.flow.amount > 0 else None

    @property
    def paid(self) -> int | None:
        return -self.flow.amount if self.flow.amount < 0 else None


@dataclass(frozen=True, slots=True)
class CostPage:
    """`differs`: it did not go as agreed, so both costs are shown. `caps` were in force when the loan was paid out,
    `caps_since` are those in force today that were not, or named another figure, then."""

    id: int
    name: str
    lender: str
    terms: LoanTerms
    cost: TrueCost
    items: tuple[ItemLine, ...]
    agreed_flows: tuple[FlowLine, ...]
    real_flows: tuple[FlowLine, ...]
    differs: bool
    place: str
    caps: tuple[Cap, ...]
    caps_since: tuple[Cap, ...]
    caps_known_on: date

    @property
    def currency(self) -> str:
        return self.terms.currency


def cost_page(loan: Loan, today: date) -> CostPage:
    """What `loan` (its lender at hand) truly costs as of `today`, in a fixed number of queries."""
    cost = cost_of(history(loan), today)
    place = PLACES.get(loan.currency, "")
    caps = caps_on(cost.terms.disbursed_on, place)
    return CostPage(
        id=loan.pk,
        name=loan.name,
        lender=loan.lender.name,
        terms=cost.terms,
        cost=cost,
        items=item_lines(cost),
        agreed_flows=tuple(FlowLine(flow) for flow in cost.agreed.flows),
        real_flows=tuple(FlowLine(flow, _cell(flow)) for flow in cost.real.flows),
        differs=differs(cost),
        place=place,
        caps=caps,
        caps_since=tuple(cap for cap in caps_on(max(today, cost.terms.disbursed_on), place) if cap not in caps),
        caps_known_on=KNOWN_AS_OF,
    )


def cost_of(past: History, today: date, books: Books | None = None) -> TrueCost:
    """The true cost of a loan with this history; `books` are what is stored of it, where that is at hand."""
    return true_cost(past.terms, past.facts, today, books or books_of(past.project(today)))


def _cell(flow: Flow) -> str:
    """Bills to come can say what they ask for."""
    if flow.kind is not FlowKind.BILL or flow.number is None:
        return ""
    return Cell(subject=Subject.BILL, number=flow.number, of=Of.OPEN).name


def differs(cost: TrueCost) -> bool:
    """Whether money moved, or is expected to move, on other days or in other sums than was agreed."""
    return _sums(cost.agreed) != _sums(cost.real)


def _sums(cost: LifeCost) -> dict[date, int]:
    sums: dict[date, int] = {}
    for flow in cost.flows:
        if flow.kind is not FlowKind.CREDIT:
            sums[flow.on] = sums.get(flow.on, 0) + flow.amount
    return sums


def item_lines(cost: TrueCost) -> tuple[ItemLine, ...]:
    """The items of the agreement, each with its standard."""
    return tuple(ItemLine(item, _standard(cost.terms, item.kind)) for item in cost.agreed.items)


def _standard(terms: LoanTerms, kind: ItemKind) -> Decimal | None:
    rates = {
        ItemKind.INTEREST: terms.annual_rate,
        ItemKind.FLAT_FEE: Decimal(terms.flat_fee) / (terms.principal * terms.count),
        ItemKind.BILL_FEE: terms.bill_fee_rate,
        ItemKind.UPFRONT_FEE: Decimal(terms.upfront_fee) / terms.principal,
    }
    return rates.get(kind) or None
