"""All that is owed on one page, for whoever has to take over: to whom, how much is left, when, from where, and how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import ExtractDay

from ledger.models import Bill, FundingAccount, Household, Lender, Loan
from ledger.models.bills import PARTS
from ledger.selectors.mandates import accounts_of

DAYS_AHEAD = 30
SHORTEST_MONTH = 28
_OPEN = sum(
    (F(f"{part}_due") - F(f"{part}_paid") - F(f"{part}_waived") for part in PARTS[1:]),
    F(f"{PARTS[0]}_due") - F(f"{PARTS[0]}_paid") - F(f"{PARTS[0]}_waived"),
)


@dataclass(frozen=True, slots=True)
class Obligation:
    """One loan that is still repaid, in minor units of `currency`. `to_pay` is all that its open bills ask for, what is
    `overdue` included. `next_on` and `next_amount` are its next bill's from today on; `due_day` is the day of the month
    where one is due every month (31: its last). `accounts` are those its mandate debits, none where it is paid by
    hand."""

    loan: Loan
    currency: str
    outstanding: int
    to_pay: int
    overdue: int
    bills_left: int
    next_on: date | None
    next_amount: int
    due_day: int | None
    ends_on: date | None
    accounts: tuple[FundingAccount, ...]
    is_paused: bool

    @property
    def is_auto_repaid(self) -> bool:
        return bool(self.accounts) and not self.is_paused


@dataclass(frozen=True, slots=True)
class Creditor:
    """A lender with its loans, the one to pay next first."""

    lender: Lender
    obligations: tuple[Obligation, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """All of one currency: principal still to repay, what all open bills ask for, what of it is overdue, and what
    comes up within `DAYS_AHEAD` days."""

    currency: str
    outstanding: int
    to_pay: int
    overdue: int
    soon: int


@dataclass(frozen=True, slots=True)
class Obligations:
    creditors: tuple[Creditor, ...]
    totals: tuple[Owed, ...]
    count: int
    days: int = DAYS_AHEAD

    @property
    def without_words(self) -> tuple[Lender, ...]:
        """Lenders nobody has said anything about."""
        return tuple(one.lender for one in self.creditors if not one.lender.how_to_pay)


def obligations(household: Household, today: date) -> Obligations:
    """The page in four queries, whatever the household holds."""
    first = Bill.objects.open().filter(loan=OuterRef("pk"), payable_on__gte=today).order_by("payable_on", "number")
    loans: list[Any] = list(
        Loan.objects.filter(household=household, settled_on=None)
        .current()
        .select_related("lender", "mandate")
        .annotate(next_bill=Subquery(first.values("pk")[:1]))
        .order_by("lender__name", "lender", "name", "pk")
    )
    nexts = Bill.objects.in_bulk([loan.next_bill for loan in loans if loan.next_bill])
    sums = _sums(household, today)
    accounts = accounts_of(loan.mandate_id for loan in loans if loan.mandate_id)
    groups: defaultdict[int, list[Obligation]] = defaultdict(list)
    for loan in loans:
        mine = accounts[loan.mandate_id] if loan.mandate_id else []
        groups[loan.lender_id].append(_obligation(loan, sums.get(loan.pk, {}), nexts.get(loan.next_bill), mine, today))
    creditors = tuple(
        Creditor(found[0].loan.lender, tuple(sorted(found, key=_first_to_pay))) for found in groups.values()
    )
    return Obligations(creditors, _totals(groups.values(), sums), len(loans))


def _first_to_pay(one: Obligation) -> tuple[bool, date]:
    return not one.overdue, one.next_on or date.max


def _sums(household: Household, today: date) -> dict[int, dict[str, Any]]:
    """By loan: what its open bills ask for in all, overdue, and soon; how many they are, and the last one's day."""
    soon = Q(payable_on__range=(today, today + timedelta(days=DAYS_AHEAD)))
    rows: Any = (
        Bill.objects.of_household(household)
        .open()
        .order_by()
        .values("loan")
        .annotate(
            to_pay=Sum(_OPEN, default=0),
            overdue=Sum(_OPEN, filter=Q(payable_on__lt=today), default=0),
            soon=Sum(_OPEN, filter=soon, default=0),
            bills=Count("pk"),
            begins_on=Min("due_on"),
            ends_on=Max("due_on"),
            first_day=Min(ExtractDay("due_on")),
            last_day=Max(ExtractDay("due_on")),
        )
    )
    return {row["loan"]: row for row in rows}


def _obligation(
    loan: Loan, sums: dict[str, Any], bill: Any, accounts: Sequence[FundingAccount], today: date
) -> Obligation:
    mandate = loan.mandate
    paused = mandate is not None and mandate.rule.is_paused(bill.payable_on if bill else today)
    return Obligation(
        loan=loan,
        currency=loan.currency,
        outstanding=loan.outstanding_principal,
        to_pay=sums.get("to_pay", 0),
        overdue=sums.get("overdue", 0),
        bills_left=sums.get("bills", 0),
        next_on=bill.payable_on if bill else None,
        next_amount=bill.open.total if bill else 0,
        due_day=_due_day(sums) if sums else None,
        ends_on=sums.get("ends_on"),
        accounts=tuple(accounts),
        is_paused=paused,
    )


def _due_day(sums: dict[str, Any]) -> int | None:
    """The day of the month on which all open bills are due, one a month; None where they are not. A day that some
    months do not have is the last of those."""
    begins, ends, first, last = (sums[name] for name in ("begins_on", "ends_on", "first_day", "last_day"))
    months = (ends.year - begins.year) * 12 + ends.month - begins.month + 1
    same_day = first == last or first >= SHORTEST_MONTH
    return last if sums["bills"] == months > 1 and same_day else None


def _totals(groups: Iterable[Sequence[Obligation]], sums: dict[int, dict[str, Any]]) -> tuple[Owed, ...]:
    found: dict[str, Owed] = {}
    for one in (one for group in groups for one in group):
        before = found.get(one.currency) or Owed(one.currency, 0, 0, 0, 0)
        found[one.currency] = Owed(
            currency=one.currency,
            outstanding=before.outstanding + one.outstanding,
            to_pay=before.to_pay + one.to_pay,
            overdue=before.overdue + one.overdue,
            soon=before.soon + sums.get(one.loan.pk, {}).get("soon", 0),
        )
    return tuple(found[currency] for currency in sorted(found))
