"""A loan's terms and facts, as the engine reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ledger.loanmath import facts as kinds
from ledger.loanmath.in_force import terms_in_force
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import Projection
from ledger.loanmath.replay import agreed_from_the_start
from ledger.loanmath.terms import LoanTerms
from ledger.models import Fact, Loan, TermsVersion


@dataclass(frozen=True, slots=True)
class History:
    """The first version of the terms, and everything that came after."""

    terms: LoanTerms
    facts: tuple[kinds.Fact, ...]

    def project(self, as_of: date) -> Projection:
        return project(self.terms, self.facts, as_of)

    def plus(self, *more: kinds.Fact) -> History:
        """The same history with facts that are not (yet) recorded: what a preview shows."""
        return History(self.terms, (*self.facts, *more))

    def before(self, id: int) -> History:
        """The same history without the fact `id` and all that were recorded after it."""
        return History(self.terms, tuple(fact for fact in self.facts if fact.id < id))

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
        return max((fact.id for fact in self.facts), default=0) + 1


def history(loan: Loan) -> History:
    """Everything the engine needs to know of `loan`, in two queries."""
    return histories([loan])[loan.pk]


def histories(loans: Iterable[Loan]) -> dict[int, History]:
    """The history of each loan by its id, in two queries however many loans."""
    ids = [loan.pk for loan in loans]
    first = {version.loan_id: version.value for version in TermsVersion.objects.filter(loan__in=ids, number=1)}
    rows: defaultdict[int, list[kinds.Fact]] = defaultdict(list)
    for row in Fact.objects.filter(loan__in=ids).select_related("terms_version").in_order():
        rows[row.loan_id].append(row.value)
    return {id: History(first[id], tuple(rows[id])) for id in ids if id in first}
