"""Auto-repay of one loan as its page shows it: what holds, what it covers beside, what is planned next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from ledger.loanmath.debit_presets import preset_of
from ledger.loanmath.funding import Balance, Funding
from ledger.models import AutoRepayMandate, Bill, FundingAccount, Loan
from ledger.selectors.accounts import HORIZON_DAYS, account_lines
from ledger.selectors.balances import balances_on
from ledger.selectors.mandates import MandateRow, mandate_of


@dataclass(frozen=True, slots=True)
class PlannedTry:
    """What the next debit takes from one account."""

    number: int
    at: datetime
    on: date
    amount: int
    account: FundingAccount
    funding: Funding
    missing: int
    above_cap: bool


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One of the accounts a mandate debits, with what should be in it; `fresh` while that can be counted on."""

    account: FundingAccount
    balance: Balance | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class MandatePage:
    """`row` is the mandate that holds, None without one. `covered` are its other loans, `next_in_line` the wider one
    that takes over when it ends. `ends_before` is the next bill, where the mandate has expired by then; `preset` the
    code of its way of debiting, "" for one of its own."""

    row: MandateRow | None
    sources: tuple[SourceLine, ...]
    covered: tuple[Loan, ...]
    next_in_line: AutoRepayMandate | None
    planned: tuple[PlannedTry, ...]
    ends_before: Bill | None
    preset: str
    is_paused: bool

    @property
    def is_wide(self) -> bool:
        return self.row is not None and self.row.mandate.loan_id is None


NONE = MandatePage(None, (), (), None, (), None, "", is_paused=False)


def mandate_page(loan: Loan, today: date) -> MandatePage:
    """The page of a loan (with its household at hand), in the same few queries however many loans are covered."""
    row = mandate_of(loan)
    if row is None:
        return NONE
    mandate = row.mandate
    balances = balances_on([account.pk for account in row.accounts], today)
    preset = preset_of(mandate.rule, mandate.partial)
    return MandatePage(
        row=row,
        sources=tuple(_source(account, balances[account.pk], today) for account in row.accounts),
        covered=tuple(covered_by(mandate, loan)) if mandate.loan_id is None else (),
        next_in_line=_next_in_line(mandate, loan),
        planned=_planned(loan, row, today),
        ends_before=ends_before(mandate, loan),
        preset=preset.code if preset else "",
        is_paused=mandate.rule.is_paused(today),
    )


def _source(account: FundingAccount, balance: Balance | None, today: date) -> SourceLine:
    return SourceLine(account, balance, balance is not None and balance.known_on(today))


def covered_by(mandate: AutoRepayMandate, but: Loan) -> list[Loan]:
    """The other loans not yet repaid for which a mandate holds."""
    loans = Loan.objects.current().filter(mandate=mandate, settled_on=None).exclude(pk=but.pk)
    return list(loans.order_by("name", "pk"))


def _next_in_line(mandate: AutoRepayMandate, loan: Loan) -> AutoRepayMandate | None:
    """The mandate that holds for the loan once this one has ended: the narrowest of the wider ones."""
    wider = Q(lender=loan.lender_id, currency=loan.currency)
    if loan.credit_line_id is not None:
        wider |= Q(credit_line=loan.credit_line_id)
    found = AutoRepayMandate.objects.live().filter(wider).exclude(pk=mandate.pk)
    rows = list(found.select_related("credit_line", "lender"))
    return min(rows, key=lambda one: one.credit_line_id is None, default=None)


def _planned(loan: Loan, row: MandateRow, today: date) -> tuple[PlannedTry, ...]:
    """What the loan's next debit takes, account by account."""
    ahead = (row.next_debit_on - today).days + 2 if row.next_debit_on else 0
    lines = account_lines(loan.household, today, max(HORIZON_DAYS, ahead))
    covers = [step.cover for line in lines for step in line.steps if step.cover and step.cover.loan == loan.pk]
    first = min(((one.debit_at, one.bill) for one in covers), default=None)
    order = {account.pk: place for place, account in enumerate(row.accounts)}
    found = [
        PlannedTry(
            number=one.number,
            at=one.debit_at,
            on=one.debit_on,
            amount=one.amount,
            account=one.account,
            funding=one.funding,
            missing=one.missing,
            above_cap=one.above_cap,
        )
        for one in covers
        if (one.debit_at, one.bill) == first
    ]
    return tuple(sorted(found, key=lambda one: order.get(one.account.pk, 0)))


def ends_before(mandate: AutoRepayMandate, loan: Loan) -> Bill | None:
    """The loan's next open bill, where the mandate does not last until its debit."""
    if mandate.expires_on is None:
        return None
    bill = Bill.objects.filter(loan=loan).open().order_by("payable_on", "number").first()
    if bill is None or bill.payable_on + timedelta(days=mandate.day_offset) <= mandate.expires_on:
        return None
    return bill
