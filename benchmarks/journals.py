"""A household's recorded repayments as plain text accounting: what is owed, and what was paid, from which account.

The same books for beancount and for hledger: for each loan a liability that is opened with what was borrowed and goes
down by the principal of each repayment; interest and fees (penalties with them) are expenses. Nothing of bills to come:
those formats keep what happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from ledger.loanmath.money import Parts, decimal_text
from ledger.models import Allocation, Household, TermsVersion

UNSAID = "Not said"  # the account of a repayment for which none was recorded


@dataclass(frozen=True)
class Payment:
    """One repayment by what it was for, in minor units of the loan's currency."""

    paid_on: date
    account: str
    parts: Parts


@dataclass(frozen=True)
class Borrowed:
    """A loan as it stands in a journal: `principal` in minor units, borrowed on `borrowed_on`."""

    name: str
    currency: str
    principal: int
    borrowed_on: date
    payments: list[Payment] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"Liabilities:Loans:{_word(self.name)}"

    @property
    def outstanding(self) -> int:
        return self.principal - sum(payment.parts.principal for payment in self.payments)


@dataclass(frozen=True)
class Entry:
    """A transaction of either format: postings of signed minor units that sum to zero."""

    day: date
    what: str
    currency: str
    postings: dict[str, int]


def books(household: Household) -> list[Borrowed]:
    """Its loans, each with a name of its own, and every repayment that stands, in the order in which they were paid."""
    agreed = TermsVersion.objects.filter(household=household, number=1).select_related("loan").order_by("loan")
    loans = {
        terms.loan_id: Borrowed(f"{terms.loan.name} {terms.loan_id}", *(getattr(terms, name) for name in TERMS))
        for terms in agreed
    }
    paid = Allocation.objects.filter(loan__in=loans).select_related("repayment__account")
    in_order = paid.order_by("repayment__effective_on", "repayment", "id")
    for repayment, allocations in groupby(in_order.iterator(), lambda one: one.repayment):
        parts = sum((one.parts for one in allocations), Parts())
        account = str(repayment.account or UNSAID)
        loans[repayment.loan_id].payments.append(Payment(repayment.effective_on, account, parts))
    return list(loans.values())


TERMS = ("currency", "principal", "disbursed_on")


def beancount(loans: list[Borrowed]) -> str:
    """The books as beancount reads them: every account is opened on the first day."""
    entries = list(_entries(loans))
    accounts = {account: None for entry in entries for account in entry.postings}
    first = min(entry.day for entry in entries)
    opened = [f"{first} open {account}" for account in accounts]
    return "\n".join([*opened, "", *(_text(entry, f'{entry.day} * "{entry.what}"') for entry in entries)])


def hledger(loans: list[Borrowed]) -> str:
    """The books as an hledger journal."""
    return "\n".join(_text(entry, f"{entry.day} * {entry.what}") for entry in _entries(loans))


def _entries(loans: Iterable[Borrowed]) -> Iterator[Entry]:
    for loan in loans:
        borrowed = {loan.account: -loan.principal, "Equity:Borrowed": loan.principal}
        yield Entry(loan.borrowed_on, f"{loan.name} borrowed", loan.currency, borrowed)
        for payment in loan.payments:
            parts = payment.parts
            postings = {
                loan.account: parts.principal,
                "Expenses:Interest": parts.interest,
                "Expenses:Fees": parts.fee + parts.penalty,
                f"Assets:{_word(payment.account)}": -parts.total,
            }
            said = {account: amount for account, amount in postings.items() if amount}
            yield Entry(payment.paid_on, f"{loan.name} repaid", loan.currency, said)


def _text(entry: Entry, heading: str) -> str:
    postings = (
        f"    {account}  {decimal_text(amount, entry.currency)} {entry.currency}"
        for account, amount in entry.postings.items()
    )
    return "\n".join([heading, *postings, ""])


def _word(name: str) -> str:
    """A name as both formats take it as part of an account's: "Salary card ••1234" is "Salary-card-1234"."""
    return "-".join(re.findall(r"\w+", name))
