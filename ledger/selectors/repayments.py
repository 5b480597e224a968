"""What the repayment form offers: bills to choose from, accounts, and amounts that make sense on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.db.models import QuerySet

from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.minimum import minimum_due
from ledger.loanmath.money import Parts
from ledger.models import Allocation, Bill, Fact, FundingAccount, Loan
from ledger.selectors.history import History, history
from ledger.selectors.prepared import Prepared

BILLS_AHEAD = 24


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An amount worth paying and what it is for; `code` is "due", "bill", "next", "minimum" or "payoff"."""

    code: str
    amount: int
    apply_to: ApplyTo
    bill: int | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Desk:
    """What is at hand when a repayment of `loan` is recorded: open bills to choose from, the earliest first; its
    history as soon as it is asked for."""

    loan: Loan
    bills: list[Bill]
    asked: Bill | None
    today: date

    @cached_property
    def past(self) -> History:
        return history(self.loan)

    def suggestions(self, day: date) -> list[Suggestion]:
        """What could be paid on `day`, the most likely first."""
        found = []
        if self.asked is not None:
            found.append(_pays("bill", self.asked))
        due = [bill for bill in self.bills if bill.payable_on <= self.today]
        if due and due != [self.asked]:
            found.append(Suggestion("due", sum(bill.open.total for bill in due), ApplyTo.DUE, due_on=due[0].due_on))
        coming = next((bill for bill in self.bills if bill.payable_on > self.today), None)
        if coming is not None and coming != self.asked:
            found.append(_pays("next", coming))
        first = self.asked or next(iter(due), coming)
        if first is not None and (least := self._minimum(first, day)):
            found.append(Suggestion("minimum", least, ApplyTo.BILL, first.number, first.due_on))
        payoff = self.payoff(day)
        if payoff:
            found.append(Suggestion("payoff", payoff, ApplyTo.PAYOFF))
        return found

    def _minimum(self, bill: Bill, day: date) -> int:
        """What is left of a bill's minimum payment; 0 where the agreement names none or it is paid."""
        left = minimum_due(bill.due, self.past.terms_on(day)) - bill.paid.total - bill.waived.total
        return left if 0 < left < bill.open.total else 0

    def suggestion(self, code: str, day: date) -> Suggestion | None:
        return next((one for one in self.suggestions(day) if one.code == code), None)

    def payoff(self, day: date) -> int:
        """What settles the loan on `day`, or on the day it was paid out if that is later."""
        return self.past.payoff_total(max(day, self.past.terms.disbursed_on))


def _pays(code: str, bill: Bill) -> Suggestion:
    return Suggestion(code, bill.open.total, ApplyTo.BILL, bill.number, bill.due_on)


def repayment_desk(loan: Loan, today: date, asked: str = "") -> Desk:
    """The desk for `loan`, with the bill whose number is `asked` first if it is open."""
    open_bills = [bill for bill in _OPEN.objects(loan=loan.pk) if bill.open.total > 0]
    chosen = next((bill for bill in open_bills if str(bill.number) == asked), None)
    late = sum(bill.payable_on <= today for bill in open_bills)
    shown = open_bills[: late + BILLS_AHEAD]
    if chosen is not None and chosen not in shown:
        shown.append(chosen)
    return Desk(loan=loan, bills=shown, asked=chosen, today=today)


def _open(loan: int) -> QuerySet[Bill]:
    return Bill.objects.filter(loan=loan).open().order_by("payable_on", "number")


_OPEN = Prepared(_open)


def accounts_for(loan: Loan) -> QuerySet[FundingAccount]:
    """The household's accounts a repayment of `loan` can come from."""
    return FundingAccount.objects.in_use().filter(household=loan.household_id, currency=loan.currency)


@dataclass(frozen=True, slots=True)
class Met:
    """The part of a recorded repayment that met one bill; without a bill, principal not yet due."""

    number: int | None
    due_on: date | None
    parts: Parts
    open_after: int


def met_by(repayment: Fact) -> tuple[list[Met], int]:
    """What a recorded repayment met, and what of it is kept as credit."""
    rows = Allocation.objects.filter(repayment=repayment).select_related("bill").order_by("bill__number")
    met = [
        Met(row.bill.number, row.bill.due_on, row.parts, row.bill.open.total)
        if row.bill
        else Met(None, None, row.parts, 0)
        for row in rows
    ]
    return met, (repayment.amount or 0) - sum(one.parts.total for one in met)
