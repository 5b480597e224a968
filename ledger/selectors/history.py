"""A loan's terms and facts, as the engine reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from dateutil.relativedelta import relativedelta
from django.db.models import QuerySet

from ledger.loanmath import facts as kinds
from ledger.loanmath.benchmarks import follow
from ledger.loanmath.calendars import Calendar
from ledger.loanmath.in_force import terms_in_force
from ledger.loanmath.payoff import PayoffQuote, payoff_quote, payoff_total
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import Projection
from ledger.loanmath.replay import agreed_from_the_start
from ledger.loanmath.terms import LoanTerms
from ledger.models import Fact, Loan, TermsVersion
from ledger.selectors.benchmarks import Series, rates_known
from ledger.selectors.calendars import calendar_of
from ledger.selectors.prepared import Prepared

LONGEST = relativedelta(years=60)  # from the disbursement: further on no loan is repriced

AGREED_AHEAD = (kinds.RateChange, kinds.Pause, kinds.Extension, kinds.DueDateMove)


@dataclass(frozen=True, slots=True)
class History:
    """The first version of the terms, and everything that was recorded after it; `rates` are the published series
    that its rate may follow."""

    terms: LoanTerms
    recorded: tuple[kinds.Fact, ...]
    rates: Series = field(default_factory=dict)

    @property
    def facts(self) -> tuple[kinds.Fact, ...]:
        """What was recorded, and the repricings that follow from the published rates; their ids are negative."""
        if not self.follows:
            return self.recorded
        return (*self.recorded, *follow(self.terms, live(self.recorded), self.rates, self.terms.disbursed_on + LONGEST))

    @property
    def calendar(self) -> Calendar:
        """The working days that the payable dates go by."""
        return calendar_of(self.terms.holiday_calendar)

    @property
    def follows(self) -> set[str]:
        """The series that any version of the terms follows."""
        return followed(self.terms, self.recorded)

    def project(self, as_of: date) -> Projection:
        """The loan as of a day. What is agreed already for a later day (a rate change announced, the next repricing, a
        pause to come) shapes the bills to come."""
        facts = self.facts
        agreed: list[kinds.Fact] = []
        if any(fact.effective_on > as_of for fact in facts):
            agreed = [fact for fact in live(facts) if isinstance(fact, AGREED_AHEAD)]
        return project(self.terms, facts, as_of, self.calendar, agreed)

    def payoff_quote(self, on: date) -> PayoffQuote:
        return payoff_quote(self.terms, self.facts, on, self.calendar)

    def payoff_total(self, on: date) -> int:
        return payoff_total(self.terms, self.facts, on, self.calendar)

    def plus(self, *more: kinds.Fact) -> History:
        """The same history with facts that are not (yet) recorded: what a preview shows."""
        return History(self.terms, (*self.recorded, *more), self.rates)

    def before(self, id: int) -> History:
        """The same history without the fact `id` and all that were recorded after it."""
        return History(self.terms, tuple(fact for fact in self.recorded if fact.id < id), self.rates)

    def terms_on(self, day: date) -> LoanTerms:
        """The version of the terms in force on a day."""
        return terms_in_force(self.terms, self.facts, day)

    @property
    def agreed(self) -> LoanTerms:
        """The agreement the loan began under: the first version, unless an amended one counts from the start."""
        return agreed_from_the_start(self.terms, live(self.facts))[0]

    def lent(self, day: date) -> int:
        """All principal lent by a day, drawdowns included."""
        drawn = [fact for fact in live(self.facts) if isinstance(fact, kinds.Drawdown) and fact.effective_on <= day]
        return self.agreed.opening + sum(fact.amount for fact in drawn)

    def presumed(self) -> list[kinds.Repayment]:
        """Repayments that stand, and that nobody has confirmed."""
        standing = live(self.facts)
        confirmed = {fact.of for fact in standing if isinstance(fact, kinds.Confirmation)}
        return [
            fact
            for fact in standing
            if isinstance(fact, kinds.Repayment) and fact.presumed and fact.id not in confirmed
        ]

    @property
    def next_id(self) -> int:
        """An id later than any recorded: for the facts of a preview."""
        return max((fact.id for fact in self.recorded), default=0) + 1


def followed(terms: LoanTerms, facts: Iterable[kinds.Fact]) -> set[str]:
    """The series that `terms`, or the terms among `facts`, follow."""
    agreed = [terms, *(fact.terms for fact in facts if isinstance(fact, kinds.TermsVersion | kinds.Arrangement))]
    return {one.benchmark.series for one in agreed if one.benchmark is not None}


def history(loan: Loan) -> History:
    """Everything the engine needs to know of `loan`, in two queries; three where its rate follows a series."""
    first = {version.loan_id: version.value for version in _FIRST.objects(loan=loan.pk)}
    return _histories({loan.pk: loan.household_id}, first, _FACTS.objects(loan=loan.pk))[loan.pk]


def _first(loan: int) -> QuerySet[TermsVersion]:
    return TermsVersion.objects.filter(loan=loan, number=1)


def _facts(loan: int) -> QuerySet[Fact]:
    return Fact.objects.filter(loan=loan).select_related("terms_version").in_order()


_FIRST, _FACTS = Prepared(_first), Prepared(_facts)


def histories(loans: Iterable[Loan], only: Collection[str] | None = None) -> dict[int, History]:
    """The history of each loan by its id, in two queries however many loans; three where a rate follows a series. With
    facts of the kinds `only` it is no whole history: nothing can be projected from it."""
    homes = {loan.pk: loan.household_id for loan in loans}
    first = {version.loan_id: version.value for version in TermsVersion.objects.filter(loan__in=homes, number=1)}
    found = Fact.objects.filter(loan__in=homes) if only is None else Fact.objects.filter(loan__in=homes, kind__in=only)
    return _histories(homes, first, found.select_related("terms_version").in_order())


def _histories(homes: Mapping[int, int], first: Mapping[int, LoanTerms], found: Iterable[Fact]) -> dict[int, History]:
    """The histories of loans whose households are `homes`, of their first terms and their facts in order."""
    rows: defaultdict[int, list[kinds.Fact]] = defaultdict(list)
    for row in found:
        rows[row.loan_id].append(row.value)
    following = {id for id, terms in first.items() if followed(terms, rows[id])}
    rates: Mapping[int, Series] = rates_known(homes[id] for id in following) if following else {}
    return {
        id: History(first[id], tuple(rows[id]), rates[home] if id in following else {})
        for id, home in homes.items()
        if id in first
    }
