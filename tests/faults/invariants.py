"""What has to hold when all is settled, whatever broke before: a list of what does not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import QuerySet, Sum

from ledger.models import AccountEntry, Bill, Fact, Repayment
from ledger.models.facts import Source
from ledger.selectors.balances import balance_on
from ledger.selectors.banners import late_jobs
from ledger.services.checking import find_problems
from tests.faults.world import OPENING, Home, World


@dataclass(frozen=True)
class Acknowledged:
    """A repayment that somebody was told had been recorded."""

    key: str
    loan: int
    amount: int


@dataclass(frozen=True)
class Count:
    """Of the bills owed: how many there are, how many nobody paid, and how many repayments there were too many."""

    due: int
    lost: int
    double: int


def count_bills(world: World) -> Count:
    paid: Counter[tuple[int, int | None]] = Counter(_auto().values_list("loan_id", "bill_number"))
    lost = sum(1 for one in world.owed if not paid[one.loan, one.bill])
    return Count(len(world.owed), lost, sum(times - 1 for times in paid.values() if times > 1))


def broken(world: World, acknowledged: Iterable[Acknowledged], now: datetime) -> list[str]:
    """Every promise that was not kept, in words."""
    return [
        *_bills(world),
        *_unfunded(world),
        *_money(),
        *(line for home in world.homes for line in _balances(home, world, now)),
        *_forms(acknowledged),
        *(str(problem) for problem in find_problems()),
        *(f"the tick of {job} stands still" for job in late_jobs(now)),
    ]


def _auto() -> QuerySet[Repayment]:
    return Repayment.objects.filter(source=Source.AUTO)


def _bills(world: World) -> Iterator[str]:
    """Every bill owed was paid once, in full, under its own day, from its account; and by nothing else."""
    found: defaultdict[tuple[int, int | None], list[tuple[int, object, int | None]]] = defaultdict(list)
    for row in _auto():
        found[row.loan_id, row.bill_number].append((row.amount or 0, row.effective_on, row.account_id))
    for one in world.owed:
        wanted = [(one.amount, one.on, one.account)]
        rows = found.pop((one.loan, one.bill), [])
        if rows != wanted:
            yield f"bill {one.bill} of loan {one.loan}: paid {rows}, owed {wanted}"
    for (loan, bill), rows in found.items():
        yield f"bill {bill} of loan {loan}: paid {rows}, nothing owed"
    settled = set(
        Bill.objects.filter(loan__in={one.loan for one in world.owed}, settled_on__isnull=False).values_list(
            "loan_id", "number"
        )
    )
    for one in world.owed:
        if (one.loan, one.bill) not in settled:
            yield f"bill {one.bill} of loan {one.loan} is not settled"


def _unfunded(world: World) -> Iterator[str]:
    for loan in Repayment.objects.filter(loan__in=world.unfunded).values_list("loan_id", flat=True):
        yield f"loan {loan} was paid from an account without money"


def _money() -> Iterator[str]:
    """What auto-repay paid is what its account entries took."""
    paid = _auto().aggregate(total=Sum("amount"))["total"] or 0
    taken = AccountEntry.objects.filter(fact__in=_auto()).aggregate(total=Sum("amount"))["total"] or 0
    if paid + taken:
        yield f"auto-repay paid {paid} and took {-taken}"


def _balances(home: Home, world: World, now: datetime) -> Iterator[str]:
    """What is shown is the stated balance less every bill owed since, and what forms said was paid from there."""
    since = [one.amount for one in world.owed if one.account == home.card.pk and one.on >= home.stated_on]
    shown = balance_on(home.card, home.household.today(now))
    if shown is None or shown.amount != OPENING - sum(since):
        yield f"{home.card}: shows {shown and shown.amount}, should be {OPENING - sum(since)}"
    booked = AccountEntry.objects.filter(account=home.card).aggregate(total=Sum("amount"))["total"] or 0
    owed = sum(one.amount for one in world.owed if one.account == home.card.pk)
    if booked != -owed:
        yield f"{home.card}: entries of {booked}, should be {-owed}"


def _forms(acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    """Each repayment that was acknowledged is there, once, and none by hand that was not."""
    wanted = Counter((one.key, one.loan, one.amount) for one in acknowledged)
    found = Counter(Repayment.objects.filter(source=Source.MANUAL).values_list("key", "loan_id", "amount"))
    for form, times in (wanted - found).items():
        yield f"acknowledged and lost: {form} x {times}"
    for form, times in (found - wanted).items():
        yield f"recorded and never acknowledged: {form} x {times}"
    reversed_ = Fact.objects.filter(kind="reversal").count()
    if reversed_:
        yield f"{reversed_} facts were undone, by nobody"


def out_of_order(world: World) -> list[str]:
    """Of each account, debits recorded before one of an earlier day."""
    lines = []
    for home in world.homes:
        days = list(_auto().filter(account=home.card).order_by("pk").values_list("effective_on", flat=True))
        lines += [f"{home.card}: {b} after {a}" for a, b in pairwise(days) if b < a]
    return lines
