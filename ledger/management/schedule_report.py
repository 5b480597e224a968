"""What `manage.py schedule` prints of a loan: bills, allocations, totals, yearly cost and payoff, as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from ledger.loanmath.apr import AnnualCost
from ledger.loanmath.cost import LifeCost, TrueCost, books_of, true_cost
from ledger.loanmath.loan_file import LoanFile
from ledger.loanmath.money import Parts, decimal_text
from ledger.loanmath.payoff import PayoffQuote, payoff_quote
from ledger.loanmath.project import project
from ledger.loanmath.projection import ProjectedBill, Projection
from ledger.loanmath.standing import standing
from ledger.management.tables import table
from ledger.templatetags.money import amount, percent

PARTS = ("principal", "interest", "fee", "penalty")
SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Report:
    """A loan as of a day; `payoff` is None where nothing is left to pay."""

    loan: LoanFile
    projection: Projection
    cost: TrueCost
    payoff: PayoffQuote | None

    @property
    def currency(self) -> str:
        return self.loan.terms.currency


def report(loan: LoanFile, as_of: date) -> Report:
    """The loan of a file, checked when it was read."""
    projection = project(loan.terms, loan.facts, as_of)
    on = max(as_of, loan.terms.disbursed_on)
    return Report(
        loan=loan,
        projection=projection,
        cost=true_cost(loan.terms, loan.facts, as_of, books_of(projection)),
        payoff=None if projection.settled_on else payoff_quote(loan.terms, loan.facts, on),
    )


# --- As JSON: amounts as text in the currency, days in ISO form, rates as fractions.


def as_json(shown: Report) -> dict[str, Any]:
    """The report under names that stay."""
    money = partial(decimal_text, currency=shown.currency)
    projection = shown.projection
    return {
        "version": 1,
        "name": shown.loan.name,
        "lender": shown.loan.lender,
        "currency": shown.currency,
        "as_of": projection.as_of.isoformat(),
        "bills": [_bill(shown, bill) for bill in projection.bills],
        "allocations": [
            {"repayment": met.repayment, "bill": met.bill, **_parts(met.parts, shown.currency)}
            for met in projection.allocations
        ],
        "totals": {
            **{name: _parts(total, shown.currency) for name, total in _totals(projection).items()},
            "outstanding_principal": money(projection.outstanding_principal),
            "credit": money(projection.credit),
            "settled_on": _day(projection.settled_on),
        },
        "cost": {
            "advertised": {
                "rate": _rate(shown.cost.advertised.rate),
                "per": shown.cost.advertised.per.value,
                "every": shown.cost.advertised.every,
                "annual": _rate(shown.cost.advertised.annual),
            },
            "agreed": _life_cost(shown.cost.agreed),
            "real": _life_cost(shown.cost.real),
        },
        "payoff": _payoff(shown.payoff, shown.currency),
    }


def _bill(shown: Report, bill: ProjectedBill) -> dict[str, Any]:
    parts = partial(_parts, currency=shown.currency)
    return {
        "number": bill.number,
        "starts_on": bill.starts_on.isoformat(),
        "due_on": bill.due_on.isoformat(),
        "payable_on": bill.payable_on.isoformat(),
        "deferred_from": _day(bill.deferred_from),
        "standing": _standing(shown, bill),
        "due": parts(bill.due),
        "paid": parts(bill.paid),
        "waived": parts(bill.waived),
        "open": parts(bill.open),
        "presumed": decimal_text(bill.presumed, shown.currency),
        "computed": None if bill.computed is None else parts(bill.computed),
        "outstanding_after": decimal_text(bill.outstanding_after, shown.currency),
        "settled_on": _day(bill.settled_on),
    }


def _parts(parts: Parts, currency: str) -> dict[str, str]:
    return {name: decimal_text(getattr(parts, name), currency) for name in (*PARTS, "total")}


def _life_cost(cost: LifeCost) -> dict[str, Any]:
    return {
        "simple": _rate(cost.annual.simple) if cost.annual else None,
        "compound": _rate(cost.annual.compound) if cost.annual else None,
        "by_days": cost.annual.by_days if cost.annual else None,
        "total": decimal_text(cost.total, cost.currency),
        "per_thousand": decimal_text(cost.per_thousand, cost.currency),
        "items": {item.kind.value: decimal_text(item.amount, cost.currency) for item in cost.items},
    }


def _payoff(quote: PayoffQuote | None, currency: str) -> dict[str, Any] | None:
    if quote is None:
        return None
    amounts = {name: decimal_text(getattr(quote, name), currency) for name in (*PARTS, "credit", "total")}
    return {"on": quote.on.isoformat(), "good_through": quote.good_through.isoformat(), **amounts}


def _rate(rate: Decimal) -> str:
    return format(rate.quantize(SIX_PLACES), "f")


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _standing(shown: Report, bill: ProjectedBill) -> str:
    return standing(bill, shown.projection.as_of, shown.loan.terms.penalty.grace_days).value


def _totals(projection: Projection) -> dict[str, Parts]:
    bills = projection.bills
    return {
        "due": sum((bill.due for bill in bills), Parts()),
        "paid": sum((bill.paid for bill in bills), Parts()),
        "waived": sum((bill.waived for bill in bills), Parts()),
        "open": sum((bill.open for bill in bills), Parts()),
    }


# --- As text.


def as_text(shown: Report) -> str:
    """The report as aligned tables, in English."""
    parts = [_head(shown), _bills_text(shown), _allocations_text(shown), _cost_text(shown), _payoff_text(shown)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(shown: Report) -> list[str]:
    projection, terms = shown.projection, shown.loan.terms
    names = [name for name in (shown.loan.name, shown.loan.lender) if name]
    lent = f"{amount(terms.principal, shown.currency)} {shown.currency} lent on {terms.disbursed_on}"
    left = f"{amount(projection.outstanding_principal, shown.currency)} {shown.currency}"
    state = f"paid off on {projection.settled_on}" if projection.settled_on else f"{left} of principal still to repay"
    return [*([" · ".join(names)] if names else []), lent, f"As of {projection.as_of}: {state}"]


def _bills_text(shown: Report) -> list[str]:
    heads = ["Bill", "Payable", "Principal", "Interest", "Fee", "Penalty", "Total", "Paid", "Waived", "Open", "Balance"]
    rows = [
        [
            str(bill.number),
            bill.payable_on.isoformat(),
            *_cells(bill.due, shown.currency),
            *(amount(part.total, shown.currency) for part in (bill.paid, bill.waived, bill.open)),
            amount(bill.outstanding_after, shown.currency),
            _standing(shown, bill).replace("_", " "),
        ]
        for bill in shown.projection.bills
    ]
    totals = _totals(shown.projection)
    met = (amount(totals[name].total, shown.currency) for name in ("paid", "waived", "open"))
    rows.append(["Total", "", *_cells(totals["due"], shown.currency), *met, "", ""])
    return table([*heads, "Standing"], rows, left=(1, 11))


def _cells(parts: Parts, currency: str) -> list[str]:
    return [amount(getattr(parts, name), currency) for name in (*PARTS, "total")]


def _allocations_text(shown: Report) -> list[str]:
    paid_on = {fact.id: fact.effective_on.isoformat() for fact in shown.loan.facts}
    rows = [
        [
            str(met.repayment),
            paid_on[met.repayment],
            str(met.bill) if met.bill else "early",
            *_cells(met.parts, shown.currency),
        ]
        for met in shown.projection.allocations
    ]
    credit = shown.projection.credit
    held = [f"Kept as credit: {amount(credit, shown.currency)}"] if credit else []
    if not rows:
        return held
    heads = ["Repayment", "Paid on", "Bill", "Principal", "Interest", "Fee", "Penalty", "Total"]
    return [*table(heads, rows, left=(1,)), *held]


def _cost_text(shown: Report) -> list[str]:
    cost = shown.cost
    rows = [
        [
            name,
            *(_percent(life.annual, kind) for kind in ("simple", "compound")),
            *(amount(sum_, shown.currency) for sum_ in (life.total, life.per_thousand)),
        ]
        for name, life in (("As agreed", cost.agreed), ("As it went", cost.real))
    ]
    heads = ["True cost", "APR simple", "APR compound", "Cost in all", "Per 1,000"]
    return [*table(heads, rows, left=(0,)), f"Advertised: {advertised_text(cost)}"]


def advertised_text(cost: TrueCost) -> str:
    """ "0.6% a month x 12 = 7.2% a year"."""
    said = cost.advertised
    annual = f"{_plain(said.annual)} a year"
    if said.times == 1:
        return annual
    per = f"a {said.per.value}" if said.every == 1 else f"every {said.every} {said.per.value}s"
    return f"{_plain(said.rate)} {per} x {said.times.normalize():f} = {annual}"


def _percent(annual: AnnualCost | None, kind: str) -> str:
    return "none" if annual is None else _plain(getattr(annual, kind))


def _plain(rate: Decimal) -> str:
    return percent(rate, 4 if abs(rate) < Decimal("0.01") else 2)


def _payoff_text(shown: Report) -> Sequence[str]:
    quote = shown.payoff
    if quote is None:
        return []
    cells = [amount(getattr(quote, name), shown.currency) for name in (*PARTS, "credit", "total")]
    heads = ["Payoff on", "Principal", "Interest", "Fee", "Penalty", "Credit", "Total", "Good through"]
    return table(heads, [[quote.on.isoformat(), *cells, quote.good_through.isoformat()]], left=(0, 7))
