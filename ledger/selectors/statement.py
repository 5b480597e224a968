"""One statement: its bills, what is least and most to pay on each, and whether auto-repay covers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from ledger.loanmath.funding import Funding
from ledger.loanmath.minimum import minimum_due
from ledger.models import Bill, FundingAccount, Household, Lender, Loan
from ledger.selectors.accounts import HORIZON_DAYS, WORSE, BillCover, coverage
from ledger.selectors.bills import BillRow, PaidBy, bill_row, repayments_of, with_auto_repay
from ledger.selectors.history import History, histories
from ledger.selectors.statements import Statement, figures_seen, statement_bills, statements_between


class Pays(StrEnum):
    """What of a statement is repaid."""

    ALL = "all"
    MINIMUM = "minimum"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class StatementBill:
    """One bill of a statement. `least` is what is left of its minimum payment, all that is open where the agreement
    names none."""

    bill: Any
    row: BillRow
    least: int
    paid_by: tuple[PaidBy, ...]
    cover: BillCover | None

    @property
    def most(self) -> int:
        return self.row.open.total

    def amount(self, pays: Pays) -> int:
        return self.least if pays is Pays.MINIMUM else self.most


@dataclass(frozen=True, slots=True)
class Cover:
    """Whether auto-repay covers a statement: `debited` of it is going to be, `by_hand` is not. `funding` is the worst
    of its debits, `missing` what the accounts lack for them, `accounts` those they come from, in words."""

    debited: int
    by_hand: int
    funding: Funding
    missing: int
    accounts: str
    leans_on: str
    above_cap: bool
    first_on: date


@dataclass(frozen=True, slots=True)
class StatementDesk:
    """A statement with its bills, those to pay first; `loans` are theirs and `past` the loans' histories."""

    household: Household
    statement: Statement
    bills: tuple[StatementBill, ...]
    others: tuple[Statement, ...]
    cover: Cover | None
    loans: tuple[Loan, ...]
    past: Mapping[int, History]
    today: date

    @property
    def open_bills(self) -> tuple[StatementBill, ...]:
        return tuple(one for one in self.bills if one.most > 0)

    @property
    def seen(self) -> int:
        return figures_seen(self.loans)

    @property
    def least(self) -> int:
        return sum(one.least for one in self.open_bills)

    @property
    def has_minimum(self) -> bool:
        """Whether less than all of it will do."""
        return 0 < self.least < sum(one.most for one in self.open_bills)

    @property
    def paid_by(self) -> tuple[tuple[StatementBill, PaidBy], ...]:
        """What has been paid on it, bill by bill."""
        return tuple((one, paid) for one in self.bills for paid in one.paid_by)


def statement_desk(
    household: Household, lender: Lender, payable_on: date, today: date, currency: str = ""
) -> StatementDesk | None:
    """The statement of a lender for a day, in the currency asked for or the first there is; None where it has no bill.
    As many queries for one loan as for thirty."""
    found = [one for one in statements_between(household, payable_on, payable_on) if one.lender_id == lender.pk]
    if not found:
        return None
    shown = next((one for one in found if one.currency == currency), found[0])
    rows = statement_bills(household, lender, payable_on).filter(loan__currency=shown.currency)
    bills = list(with_auto_repay(rows).order_by("loan__name", "loan", "number"))
    loans = {bill.loan_id: bill.loan for bill in bills}
    past = histories(loans.values())
    covers = _covers(household, bills, today)
    paid_by = repayments_of(bills)
    lines = [
        StatementBill(bill, bill_row(bill, today), least_left(bill, past), paid_by[bill.pk], covers.get(bill.pk))
        for bill in bills
    ]
    return StatementDesk(
        household=household,
        statement=shown,
        bills=tuple(sorted(lines, key=lambda line: line.most <= 0)),
        others=tuple(one for one in found if one is not shown),
        cover=_cover(lines, covers),
        loans=tuple(loans.values()),
        past=past,
        today=today,
    )


def least_left(bill: Bill, past: Mapping[int, History]) -> int:
    """What is left of a bill's minimum payment, 0 once that is paid."""
    terms = past[bill.loan_id].terms_on(bill.payable_on)
    return max(minimum_due(bill.due, terms) - bill.paid.total - bill.waived.total, 0)


def _covers(household: Household, bills: Sequence[Any], today: date) -> dict[int, BillCover]:
    """The debits to come of open bills not too far off to say anything; no query where no mandate debits any."""
    if not any(bill.auto_name and bill.open.total for bill in bills):
        return {}
    if bills[0].payable_on > today + timedelta(days=HORIZON_DAYS):
        return {}
    return coverage(household, today)


def _cover(lines: Sequence[StatementBill], covers: Mapping[int, BillCover]) -> Cover | None:
    mine = [(line, covers[line.row.id]) for line in lines if line.row.id in covers and line.most]
    if not mine:
        return None
    worst = max((cover for _, cover in mine), key=lambda cover: WORSE.index(cover.funding))
    accounts = dict.fromkeys(cover.paid_from for _, cover in mine)
    return Cover(
        debited=sum(line.most for line, _ in mine),
        by_hand=sum(line.most for line in lines) - sum(line.most for line, _ in mine),
        funding=worst.funding,
        missing=sum(cover.missing for _, cover in mine),
        accounts=" + ".join(accounts),
        leans_on=worst.leans_on,
        above_cap=any(cover.above_cap for _, cover in mine),
        first_on=min(cover.debit_on for _, cover in mine),
    )


def accounts_for(household: Household, currency: str) -> QuerySet[FundingAccount]:
    """The accounts a repayment in a currency can come from."""
    return FundingAccount.objects.in_use().filter(household=household, currency=currency)
