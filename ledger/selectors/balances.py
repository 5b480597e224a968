"""What accounts should hold on a day: the balance stated last, and everything booked after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from ledger.loanmath.funding import Balance
from ledger.models import AccountEntry, FundingAccount, StatedBalance
from ledger.selectors.inflows import expected_inflow

OF_A_BALANCE = ("said", "said_on", "said_at", "booked")  # what `with_balance` adds


def with_balance(accounts: QuerySet[FundingAccount], day: date) -> QuerySet[FundingAccount]:
    """Adds what `balance_of` reads: the balance of each account at the end of `day`.

    An entry counts when its day is after the stated day, or is that day and it was booked after the statement.
    """
    said = StatedBalance.objects.filter(account=OuterRef("pk"), stated_on__lte=day).order_by("-stated_on", "-id")
    since = Q(entry_on__gt=OuterRef("said_on")) | Q(entry_on=OuterRef("said_on"), booked_at__gt=OuterRef("said_at"))
    booked = (
        AccountEntry.objects.filter(since, account=OuterRef("pk"), entry_on__lte=day)
        .order_by()
        .values("account")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    return accounts.annotate(
        said=Subquery(said.values("amount")[:1]),
        said_on=Subquery(said.values("stated_on")[:1]),
        said_at=Subquery(said.values("recorded_at")[:1]),
        booked=Coalesce(Subquery(booked), Value(0), output_field=BigIntegerField()),
    )


def balance_of(account: Any) -> Balance | None:
    """The balance of an account read `with_balance`; None where none was ever stated.

    It is given however old it is: whether it still says anything is `Balance.known_on`.
    """
    return None if account.said is None else Balance(account.said + account.booked, account.said_on)


def balance_on(account: FundingAccount, day: date) -> Balance | None:
    """What one account should hold at the end of `day`, as far as it has been booked."""
    return balances_on([account.pk], day)[account.pk]


def balances_on(accounts: Iterable[int], day: date) -> dict[int, Balance | None]:
    """What each of the accounts should hold at the end of `day`, by its id, and what is expected since its balance was
    stated (on the days before; an inflow counts from the end of its day); two queries."""
    rows: Any = with_balance(FundingAccount.objects.filter(pk__in=accounts), day).order_by()
    found: dict[int, Balance | None] = {
        pk: None if said is None else Balance(said + booked, said_on)
        for pk, said, booked, said_on in rows.values_list("pk", "said", "booked", "said_on")
    }
    stated = {pk: balance.stated_on for pk, balance in found.items() if balance is not None}
    if not stated:
        return found
    for pk, inflow in expected_inflow(stated, day - timedelta(days=1)).items():
        known = found[pk]
        if inflow.total and known is not None:
            found[pk] = replace(known, expected=inflow.total)
    return found
