"""A presumed debit as a question: what is asked, what was answered, and what follows where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from ledger.clock import zone
from ledger.loanmath.funding import Funding
from ledger.models import Allocation, AutoRepayAttempt, Bill, Fact
from ledger.models.facts import Kind
from ledger.selectors.accounts import coverage
from ledger.selectors.bills import BillRow, bill_row
from ledger.selectors.facts import Links
from ledger.selectors.history import history
from ledger.selectors.presumed import said_why


class Answer(StrEnum):
    """What was said of a presumed debit, as things stand."""

    NONE = "none"
    DEBITED = "debited"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Question:
    """A presumed debit; amounts in minor units of `currency`. `account` is "" where none is known, `bill` None where
    it met no bill. `answered_by` (a fact's id), `who`, `on` and `why` tell of the answer that stands."""

    fact_id: int
    loan_id: int
    loan: str
    lender: str
    currency: str
    amount: int
    debited_on: date
    account: str
    bill: BillRow | None
    bills: tuple[BillRow, ...]
    count: int
    answer: Answer
    answered_by: int | None
    who: str
    on: date | None
    why: str

    @property
    def is_open(self) -> bool:
        return self.answer is Answer.NONE


@dataclass(frozen=True, slots=True)
class AfterFailure:
    """What follows from a debit that failed, as of a day. `to_pay` is open, payable by `payable_on`. Being late costs
    `so_far` today and `costs` from `costs_from` on (estimated; 0: nothing); `free_until` is the last day without a
    penalty, None where it is past. `next_try` lies ahead; it is None where its moment has come and nothing is recorded
    of it yet, and where the lender `gave_up`: nothing debits the bill any more."""

    number: int
    open_since: date
    to_pay: int
    payable_on: date
    days_late: int
    free_until: date | None
    so_far: int
    costs_from: date
    costs: int
    next_try: datetime | None
    gave_up: bool
    account: str
    short_by: int
    funding: str

    @property
    def next_try_on(self) -> date | None:
        return self.next_try.date() if self.next_try else None


def question(repayment: Fact, today: date) -> Question:
    """The debit `repayment` (a presumed one, its loan with lender and household at hand) and its answer."""
    loan = repayment.loan
    attempt = AutoRepayAttempt.objects.filter(repayment=repayment).select_related("account", "bill").first()
    account = repayment.account or (attempt.account if attempt else None)
    bills = _bills(repayment, attempt)
    rows = tuple(bill_row(bill, today) for bill in bills)
    answer, fact = _answer(repayment)
    return Question(
        fact_id=repayment.pk,
        loan_id=loan.pk,
        loan=loan.name,
        lender=loan.lender.name,
        currency=loan.currency,
        amount=repayment.amount or 0,
        debited_on=repayment.effective_on,
        account=str(account or ""),
        bill=rows[0] if rows else None,
        bills=rows,
        count=Bill.objects.filter(loan=loan).needed().count(),
        answer=answer,
        answered_by=fact.pk if fact else None,
        who=str(fact.recorded_by or "") if fact else "",
        on=loan.household.today(fact.recorded_at) if fact else None,
        why=said_why(fact.effect, fact.note) if answer is Answer.FAILED and fact else "",
    )


def _bills(repayment: Fact, attempt: AutoRepayAttempt | None) -> list[Bill]:
    """The bills the debit was for: those it met; where it counts no more, the one it was meant for, else the oldest
    still open."""
    loan = repayment.loan
    needed = Bill.objects.filter(loan=loan).needed().order_by("number")
    met = Allocation.objects.filter(repayment=repayment, bill__isnull=False).values("bill")
    found = list(needed.filter(pk__in=met))
    if not found:
        meant = attempt.bill.number if attempt else repayment.bill_number
        found = list((needed.filter(number=meant) if meant else needed.open())[:1])
    for bill in found:
        bill.loan = loan
    return found


def _answer(repayment: Fact) -> tuple[Answer, Fact | None]:
    """How a debit was answered, and the fact that says so (the last of those undoing one another)."""
    said = Fact.objects.filter(loan=repayment.loan_id, kind__in=[Kind.CONFIRMATION, Kind.REVERSAL])
    rows = {row.pk: row for row in said.select_related("recorded_by").order_by("pk")}
    links = Links(rows.values())
    if links.is_undone(repayment.pk):
        last = repayment.pk
        while last in links.undone_by:
            last = links.undone_by[last]
        return Answer.FAILED, rows[last]
    standing = [pk for pk in links.confirmations[repayment.pk] if not links.is_undone(pk)]
    return (Answer.DEBITED, rows[standing[-1]]) if standing else (Answer.NONE, None)


def after_failure(asked: Question, repayment: Fact, now: datetime) -> AfterFailure | None:
    """What follows from a debit that failed; None where its bill is not open (paid otherwise since, or gone)."""
    household = repayment.loan.household
    today = household.today(now)
    if asked.answer is not Answer.FAILED or asked.bill is None:
        return None
    past, number = history(repayment.loan), asked.bill.number
    bill = next((one for one in past.project(today).bills if one.number == number), None)
    if bill is None or bill.open.total <= 0:
        return None
    free_until = bill.payable_on + timedelta(days=past.terms_on(today).penalty.grace_days)
    costs_from = max(today, free_until) + timedelta(days=1)
    costs = next((one.due.penalty for one in past.project(costs_from).bills if one.number == number), 0)
    cover = coverage(household, today).get(asked.bill.id)
    if cover is not None and cover.above_cap:
        cover = None  # however often it is tried, nothing is taken
    return AfterFailure(
        number=number,
        open_since=repayment.effective_on,
        to_pay=bill.open.total,
        payable_on=bill.payable_on,
        days_late=max(0, (today - bill.payable_on).days),
        free_until=free_until if free_until >= today else None,
        so_far=bill.due.penalty,
        costs_from=costs_from,
        costs=costs,
        next_try=cover.debit_at.astimezone(zone(household.time_zone)) if cover and cover.debit_at > now else None,
        gave_up=cover is None,
        account=str(cover.account) if cover else "",
        short_by=cover.short_by if cover else 0,
        funding=cover.funding.value if cover else Funding.UNKNOWN.value,
    )
