"""A loan's terms and facts, as the engine reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ledger.loanmath import facts as kinds
from ledger.loanmath.project import live, project
from ledger.loanmath.projection import Projection
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
    versions: defaultdict[int, list[TermsVersion]] = defaultdict(list)
    for version in TermsVersion.objects.filter(loan__in=ids).order_by("number"):
        versions[version.loan_id].append(version)
    rows: defaultdict[int, list[kinds.Fact]] = defaultdict(list)
    for row in Fact.objects.filter(loan__in=ids).in_order():
        rows[row.loan_id].append(row.value)
    return {
        id: History(versions[id][0].value, (*map(_as_fact, versions[id][1:]), *rows[id])) for id in ids if versions[id]
    }


def _as_fact(version: TermsVersion) -> kinds.Fact:
    """A later version of the terms; its id is negative, since it is no row among the facts."""
    return kinds.TermsVersion(id=-version.number, effective_on=version.effective_on, terms=version.value)
