"""What the benchmark beside other programs gives them to read is what Loantracker keeps."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from benchmarks.journals import Borrowed, Payment, beancount, books, hledger
from ledger.loanmath.facts import ApplyTo
from ledger.loanmath.money import Parts
from ledger.models import Loan
from ledger.services.reversals import reverse_fact
from tests import builders as make

LAPTOP = Borrowed(
    name="Laptop",
    currency="CNY",
    principal=1_200_000,
    borrowed_on=date(2026, 1, 10),
    payments=[Payment(date(2026, 2, 10), "Salary card ••1234", Parts(94_619, 12_000, 200, 300))],
)


def test_a_journal_for_hledger():
    assert hledger([LAPTOP]).splitlines() == [
        "2026-01-10 * Laptop borrowed",
        "    Liabilities:Loans:Laptop  -12000.00 CNY",
        "    Equity:Borrowed  12000.00 CNY",
        "",
        "2026-02-10 * Laptop repaid",
        "    Liabilities:Loans:Laptop  946.19 CNY",
        "    Expenses:Interest  120.00 CNY",
        "    Expenses:Fees  5.00 CNY",
        "    Assets:Salary-card-1234  -1071.19 CNY",
    ]


def test_the_same_for_beancount_with_its_accounts_opened():
    assert beancount([LAPTOP]).splitlines() == [
        "2026-01-10 open Liabilities:Loans:Laptop",
        "2026-01-10 open Equity:Borrowed",
        "2026-01-10 open Expenses:Interest",
        "2026-01-10 open Expenses:Fees",
        "2026-01-10 open Assets:Salary-card-1234",
        "",
        '2026-01-10 * "Laptop borrowed"',
        "    Liabilities:Loans:Laptop  -12000.00 CNY",
        "    Equity:Borrowed  12000.00 CNY",
        "",
        '2026-02-10 * "Laptop repaid"',
        "    Liabilities:Loans:Laptop  946.19 CNY",
        "    Expenses:Interest  120.00 CNY",
        "    Expenses:Fees  5.00 CNY",
        "    Assets:Salary-card-1234  -1071.19 CNY",
    ]


@pytest.mark.django_db
def test_each_liability_is_the_outstanding_principal_of_its_loan():
    home = make.household()
    card = make.account(home)
    laptop, phone = make.loan(home, name="Laptop"), make.loan(home, name="Phone")
    make.repayment(laptop, 106_619, date(2026, 2, 10), account=card)
    make.repayment(laptop, 300_000, date(2026, 3, 1), apply_to=ApplyTo.SHORTEN)
    taken_back = make.repayment(phone, 50_000, date(2026, 2, 20))
    reverse_fact(fact=taken_back, recording=make.recording())
    make.repayment(phone, 60_000, date(2026, 2, 20))
    make.loan(name="Of others")

    kept = books(home)

    assert [(loan.account, loan.outstanding) for loan in kept] == [
        (f"Liabilities:Loans:{loan.name}-{loan.pk}", loan.outstanding_principal)
        for loan in Loan.objects.filter(household=home).order_by("pk")
    ]
    for text in (beancount(kept), hledger(kept)):
        said = balances(text)
        assert {name: -said[name] for name in said if name.startswith("Liabilities")} == {
            loan.account: Decimal(loan.outstanding) / 100 for loan in kept
        }
        assert said["Assets:Salary-card-1234"] == Decimal("-1066.19")
        assert said["Assets:Not-said"] == Decimal("-3600.00")
        assert sum(said.values()) == 0


def balances(text: str) -> Counter[str]:
    """The sum of each account's postings."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("    "):
            account, amount, _ = line.split()
            found[account] += Decimal(amount)
    return found
