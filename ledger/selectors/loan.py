"""One loan's page: what is left, when it ends, what it costs, its schedule, history, terms and payoff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from ledger.loanmath import facts
from ledger.loanmath.apr import AnnualCost
from ledger.loanmath.cost import Advertised, Books, ItemKind, LifeCost
from ledger.loanmath.facts import Confirmation, RateChange, RateEffect, Repayment, Reversal
from ledger.loanmath.money import Parts
from ledger.loanmath.payoff import PayoffQuote
from ledger.loanmath.project import live
from ledger.loanmath.projection import Projection
from ledger.loanmath.rate_warning import RateWarning, rate_warning
from ledger.loanmath.schedule import schedule
from ledger.loanmath.terms import LoanTerms, Method
from ledger.models import Allocation, Bill, Fact, Loan, TermsVersion
from ledger.models.bills import PARTS
from ledger.models.facts import Kind
from ledger.selectors.benchmarks import FollowLine, follow_line
from ledger.selectors.bills import BillRow, as_rows, row_values
from ledger.selectors.charts import MOST_COLUMNS, ColumnChart, LineChart, Stack, column_chart, line_chart
from ledger.selectors.cost import cost_of, differs
from ledger.selectors.facts import AT_HAND, FactLine, Link, Links, fact_lines, with_met
from ledger.selectors.history import History, history
from ledger.selectors.mandates import accounts_of
from ledger.selectors.prepared import Prepared

PAYOFF_AHEAD = relativedelta(years=5)
HISTORY_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """One bill of the schedule. `computed` is our own figure where the lender's replaced it; `to_confirm` the presumed
    repayments whose first bill it is."""

    row: BillRow
    balance: int
    computed: Parts | None
    is_next: bool
    to_confirm: tuple[int, ...] = ()

    @property
    def cell(self) -> str:
        """What the explanations of its amounts call it."""
        return f"bill-{self.row.number}"

    @property
    def difference(self) -> int:
        """The lender's figure less ours."""
        return 0 if self.computed is None else self.row.due.total - self.computed.total

    @property
    def is_estimated(self) -> bool:
        return self.computed is None and self.row.is_open


@dataclass(frozen=True, slots=True)
class Cost:
    """What the loan truly costs: the rate that was advertised, the APR of all its payments as agreed, and the sums as
    it went. `names_rate` is False where the lender's table is all there is; `rate_now` is the yearly rate since the
    last rate change, None without one; `went` is the cost as it went where that is another one than agreed."""

    said: Advertised
    names_rate: bool
    rate_now: Decimal | None
    rate_since: date | None
    annual: AnnualCost | None
    went: LifeCost | None
    life: LifeCost

    @property
    def advertised(self) -> Decimal:
        return self.said.annual

    @property
    def interest(self) -> int:
        return self._sum(ItemKind.INTEREST)

    @property
    def penalty(self) -> int:
        return self._sum(ItemKind.PENALTY)

    @property
    def fee(self) -> int:
        """Fees of every kind, those repaid with the principal included."""
        return self.total - self.interest - self.penalty

    @property
    def total(self) -> int:
        return self.life.total

    def _sum(self, kind: ItemKind) -> int:
        return sum(item.amount for item in self.life.items if item.kind is kind)


@dataclass(frozen=True, slots=True)
class TermsLine:
    """One version of the terms; `last_due_on` is the last bill of the version in force, None for the others."""

    number: int
    effective_on: date
    terms: LoanTerms
    last_due_on: date | None
    is_current: bool
    is_undone: bool = False
    is_arrangement: bool = False


@dataclass(frozen=True, slots=True)
class Payoff:
    """A payoff quote with what it saves over the bills still to come; `problem` where the day cannot be."""

    on: date
    quote: PayoffQuote | None
    bills_left: int
    has_presumed: bool
    problem: str

    @property
    def cell(self) -> str:
        """What the explanations of its amounts call it."""
        return f"payoff-{self.on.isoformat()}"

    @property
    def saves(self) -> int:
        return self.bills_left - self.quote.total if self.quote else 0


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """What is owed once the bill of a day is paid: as it was agreed, and as it went or is expected to go. None where
    one of the two has no bill on that day."""

    day: date
    planned: int | None
    actual: int | None


@dataclass(frozen=True, slots=True)
class Charts:
    """A loan's charts, and the figures behind them."""

    columns: ColumnChart | None
    stacks: tuple[Stack, ...]
    balance: LineChart | None
    balances: tuple[BalanceRow, ...]


@dataclass(frozen=True, slots=True)
class LoanPage:
    id: int
    name: str
    lender: str
    currency: str
    note: str
    credit_line: str
    outstanding: int
    credit: int
    settled_on: date | None
    ends_on: date | None
    repaid: int
    presumed: int
    borrowed: int
    late: int
    next: BillRow | None
    cost: Cost
    schedule: tuple[ScheduleLine, ...]
    totals: Parts
    left: Parts
    charts: Charts | None
    history: tuple[FactLine, ...]
    more_history: int
    to_confirm: tuple[Repayment, ...]
    terms: tuple[TermsLine, ...]
    auto_repay: str
    payoff: Payoff | None
    follows: FollowLine | None
    too_low: RateWarning | None

    @property
    def paid(self) -> int:
        """All that was paid, presumed debits included."""
        return self.repaid + self.presumed


def loan_page(
    loan: Loan, today: date, payoff_on: str | None = None, all_history: bool = False, charts: bool = False
) -> LoanPage:
    """Everything the page of `loan` (its lender and credit line at hand) shows, in a fixed number of queries; of its
    history the newest facts, unless all are asked for. `payoff_on`: the day of the payoff quote (ISO; "" today), None
    for none. `charts` asks for them too."""
    past = history(loan)
    presumed = past.presumed()
    lines = _with_questions(_schedule(_BILLS(loan=loan.pk), today), presumed)
    rows = [line.row for line in lines]
    told = loan_history(loan) if all_history else _newest(loan, past)
    accounts = accounts_of([loan.mandate_id])[loan.mandate_id] if loan.mandate_id else []
    totals = sum((row.due for row in rows), Parts())
    return LoanPage(
        id=loan.pk,
        name=loan.name,
        lender=loan.lender.name,
        currency=loan.currency,
        note=loan.note,
        credit_line=str(loan.credit_line or ""),
        outstanding=loan.outstanding_principal,
        credit=loan.credit,
        settled_on=loan.settled_on,
        ends_on=rows[-1].payable_on if rows else None,
        repaid=sum(row.confirmed for row in rows),
        presumed=sum(row.presumed for row in rows),
        borrowed=past.lent(today),
        late=sum(row.open.total for row in rows if row.is_late),
        next=next((row for row in rows if row.is_open), None),
        cost=_cost(past, Books(rows, loan.credit, _unbilled(loan)), today),
        schedule=lines,
        totals=totals,
        left=sum((row.open for row in rows), Parts()),
        charts=_charts(past, lines, today) if charts else None,
        history=told,
        more_history=len(past.recorded) - len(told),
        to_confirm=tuple(presumed),
        terms=_terms(loan, past, rows, today),
        auto_repay=" → ".join(str(account) for account in accounts),
        payoff=None if payoff_on is None else payoff(past, rows, today, payoff_on),
        follows=follow_line(past.terms_on(today), past.rates, today),
        too_low=None if loan.settled_on else too_low(past, today),
    )


def loan_history(loan: Loan) -> tuple[FactLine, ...]:
    """The loan's facts, newest first, with what each repayment met."""
    rows = list(_facts(loan.pk))
    return with_met(fact_lines(rows, Links(rows)))


def _facts(loan: int) -> QuerySet[Fact]:
    return Fact.objects.filter(loan=loan).select_related(*AT_HAND).order_by("-recorded_at", "-pk")


def _newest_facts(loan: int) -> QuerySet[Fact]:
    return _facts(loan)[:HISTORY_SHOWN]


def _newest(loan: Loan, past: History) -> tuple[FactLine, ...]:
    """The newest facts; which undoes or confirms which is known from all of them."""
    links = [
        Link(fact.id, Kind.REVERSAL if isinstance(fact, Reversal) else Kind.CONFIRMATION, fact.of)
        for fact in past.recorded
        if isinstance(fact, Reversal | Confirmation)
    ]
    return with_met(fact_lines(_NEWEST.objects(loan=loan.pk), Links(links)))


def _bills(loan: int) -> QuerySet[Any]:
    bills = Bill.objects.filter(loan=loan).needed().order_by("number")
    return row_values(bills, "outstanding_after", *(f"{part}_computed" for part in PARTS), account=False)


def _unbilled_sums(loan: int) -> QuerySet[Any]:
    """What was paid of no bill, by component."""
    unbilled = Allocation.objects.filter(loan=loan, bill=None).order_by()
    return unbilled.values_list("loan").annotate(*(Sum(part) for part in PARTS))


_NEWEST, _BILLS, _UNBILLED = Prepared(_newest_facts), Prepared(_bills), Prepared(_unbilled_sums)


def _unbilled(loan: Loan) -> Parts:
    return sum((Parts(*parts) for _loan, *parts in _UNBILLED(loan=loan.pk)), Parts())


def _schedule(found: Sequence[Sequence[Any]], today: date) -> list[ScheduleLine]:
    rows = as_rows(found, today)
    next_number = next((row.number for row in rows if row.is_open), None)
    return [
        ScheduleLine(row, balance, None if ours[0] is None else Parts(*ours), row.number == next_number)
        for row, (balance, *ours) in zip(rows, (values[-5:] for values in found), strict=True)
    ]


def _with_questions(lines: list[ScheduleLine], presumed: Sequence[Repayment]) -> tuple[ScheduleLine, ...]:
    """The lines with what waits for an answer about them, at the first bill it met; one query where anything does."""
    if not presumed:
        return tuple(lines)
    met = Allocation.objects.filter(repayment__in=[fact.id for fact in presumed], bill__isnull=False)
    firsts = dict(met.order_by("-bill__number").values_list("repayment_id", "bill__number"))
    asks: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
    for fact in presumed:
        if fact.id in firsts:
            asks[firsts[fact.id]] += (fact.id,)
    return tuple(replace(line, to_confirm=asks[line.row.number]) for line in lines)


def _rate_change(past: History, today: date) -> RateChange | None:
    """The last rate change that counts by today."""
    changes = [fact for fact in live(past.facts) if isinstance(fact, RateChange) and fact.effective_on <= today]
    return changes[-1] if changes else None


def too_low(past: History, today: date) -> RateWarning | None:
    """Whether the last rate change kept a payment that no longer covered the interest, so that it had to be worked out
    anew: the payment kept and the least it took."""
    change = _rate_change(past, today)
    if change is None or change.effect is not RateEffect.KEEP_PAYMENT:
        return None
    others = [fact for fact in live(past.facts) if fact.id != change.id]
    return rate_warning(past.terms, others, change)


def _cost(past: History, books: Books, today: date) -> Cost:
    cost, change = cost_of(past, today, books), _rate_change(past, today)
    return Cost(
        said=cost.advertised,
        names_rate=cost.terms.method is not Method.LISTED or cost.advertised.annual != 0,
        rate_now=change.annual_rate if change else None,
        rate_since=change.effective_on if change else None,
        annual=cost.agreed.annual,
        went=cost.real if differs(cost) else None,
        life=cost.real,
    )


def _charts(past: History, lines: Sequence[ScheduleLine], today: date) -> Charts:
    stacks = _stacks(lines, today)
    agreed = past.agreed
    planned = [(row.due_on, row.balance) for row in schedule(agreed)]
    actual = [(line.row.due_on, line.balance) for line in lines]
    start = (agreed.disbursed_on, agreed.opening)
    return Charts(
        columns=column_chart(stacks),
        stacks=stacks,
        balance=line_chart([start, *planned], [start, *actual], today),
        balances=_balances(dict(planned), dict(actual)),
    )


def _balances(planned: Mapping[date, int], actual: Mapping[date, int]) -> tuple[BalanceRow, ...]:
    """A row a bill, or a row a year where there are too many."""
    days = sorted(planned.keys() | actual.keys())
    if len(days) > MOST_COLUMNS:
        days = [day for day, after in zip(days, [*days[1:], None], strict=True) if not after or after.year != day.year]
    return tuple(BalanceRow(day, planned.get(day), actual.get(day)) for day in days)


def _stacks(lines: Sequence[ScheduleLine], today: date) -> tuple[Stack, ...]:
    """A column a bill, or a column a year where there are too many."""
    by_year = len(lines) > MOST_COLUMNS
    sums: defaultdict[str, Parts] = defaultdict(Parts)
    ends: dict[str, date] = {}
    for line in lines:
        label = str(line.row.due_on.year if by_year else line.row.number)
        sums[label] += line.row.due
        ends[label] = line.row.due_on
    return tuple(
        Stack(label, part.principal, part.interest, part.fee, part.penalty, ends[label] > today)
        for label, part in sums.items()
    )


def _terms(loan: Loan, past: History, rows: Sequence[BillRow], today: date) -> tuple[TermsLine, ...]:
    """Every version, the newest first; one whose fact is undone stays and says so."""
    brought = {fact.id: fact for fact in live(past.facts) if isinstance(fact, facts.TermsVersion | facts.Arrangement)}
    counting = [fact.id for fact in brought.values() if fact.effective_on <= today]
    current = counting[-1] if counting else None
    last = rows[-1].due_on if rows else None
    return tuple(_terms_line(version, brought, current, last) for version in _VERSIONS.objects(loan=loan.pk))


def _versions(loan: int) -> QuerySet[TermsVersion]:
    return TermsVersion.objects.filter(loan=loan).select_related("fact").order_by("-number")


_VERSIONS = Prepared(_versions)


def _terms_line(
    version: TermsVersion, brought: Mapping[int, facts.Fact], current: int | None, last: date | None
) -> TermsLine:
    fact = getattr(version, "fact", None)
    id = fact.pk if fact is not None else None
    is_live = id is None or id in brought
    return TermsLine(
        number=version.number,
        effective_on=version.effective_on,
        terms=version.value,
        last_due_on=last if id == current else None,
        is_current=id == current,
        is_undone=not is_live,
        is_arrangement=isinstance(brought.get(id or 0), facts.Arrangement),
    )


def payoff(past: History, rows: Sequence[BillRow], today: date, asked: str = "") -> Payoff:
    """What settles the loan on the day `asked` (ISO; today where empty)."""
    left = sum(row.open.total for row in rows)
    presumed = bool(past.presumed())
    on, problem = _payoff_day(past, today, asked)
    quote = None if problem else past.payoff_quote(on)
    return Payoff(on, quote, left, presumed, problem)


def _payoff_day(past: History, today: date, asked: str) -> tuple[date, str]:
    if not asked:
        return max(today, past.terms.disbursed_on), ""
    try:
        on = date.fromisoformat(asked)
    except ValueError:
        return today, _("Enter a day such as 2026-03-31.")
    if on < max(today, past.terms.disbursed_on):
        return on, _("Choose today or a later day: a quote looks ahead.")
    if on > today + PAYOFF_AHEAD:
        return on, _("Choose a day within the next five years.")
    return on, ""


@dataclass(frozen=True, slots=True)
class BillChange:
    """One bill that undoing would change: what it has left to pay before and after; None: not needed then.
    `due_before`: the day it was due on, where that is another one."""

    number: int
    due_on: date
    before: int | None
    after: int | None
    due_before: date | None = None


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing a fact changes, worked out without recording it."""

    fact: FactLine
    outstanding_before: int
    outstanding_after: int
    credit_before: int
    credit_after: int
    settled_before: date | None
    settled_after: date | None
    bills: tuple[BillChange, ...]

    @property
    def shown(self) -> tuple[BillChange, ...]:
        return self.bills[:12]

    @property
    def more(self) -> int:
        return max(len(self.bills) - 12, 0)


def undo_preview(loan: Loan, fact: FactLine, today: date) -> UndoPreview:
    """The loan as of `today` with and without `fact`."""
    past = history(loan)
    undone = past.plus(Reversal(id=past.next_id, effective_on=fact.effective_on, of=fact.id))
    before, after = past.project(today), undone.project(today)
    return UndoPreview(
        fact=fact,
        outstanding_before=before.outstanding_principal,
        outstanding_after=after.outstanding_principal,
        credit_before=before.credit,
        credit_after=after.credit,
        settled_before=before.settled_on,
        settled_after=after.settled_on,
        bills=_bill_changes(before, after),
    )


def _bill_changes(before: Projection, after: Projection) -> tuple[BillChange, ...]:
    was: Mapping[int, tuple[date, int]] = {bill.number: (bill.due_on, bill.open.total) for bill in before.bills}
    will: Mapping[int, tuple[date, int]] = {bill.number: (bill.due_on, bill.open.total) for bill in after.bills}
    changes = []
    for number in sorted(was.keys() | will.keys()):
        old, new = was.get(number), will.get(number)
        if old != new:
            due_on = (new or old or (date.min, 0))[0]
            due_before = old[0] if old and old[0] != due_on else None
            changes.append(BillChange(number, due_on, old[1] if old else None, new[1] if new else None, due_before))
    return tuple(changes)
