"""A household of extremes: forty loans, names as long as they may be, amounts of thirteen digits. Made inside the
product, by `manage.py shell`."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle

from ledger.clock import now
from ledger.loanmath.terms import PenaltyTerms
from ledger.models import AutoRepayMandate, Lender
from ledger.services.mandates import authorize_mandate
from tests import builders as make

EMAIL = "a.person.with.quite.a.long.address.of.the.kind.firms.give.out@a-department.of-a-company.example"
PASSWORD = "correct horse battery"
ONE_WORD = "Donaudampfschifffahrtsgesellschaftskapitaenswitwenversicherungspolicenverwaltungsgebuehrenabrechnung"
WORDS = "The second loan for the extension of the summer house by the lake that we share with my cousins up north"
CHINESE = "关于在本市高新技术开发区购置家庭自住用房及其附属地下停车位和精装修工程的个人住房商业性组合贷款合同补充"
NAMES = (ONE_WORD[:100], WORDS[:100], CHINESE)
MOST = 9_999_999_999_999  # minor units: 99,999,999,999.99
FIRST_DUE = date(2027, 2, 10)


def build() -> None:
    """40 loans opened on 10 January 2027, each late by a bill since February and with every kind of thing on it."""
    home = make.household(make.user(EMAIL), name=WORDS[:80], now=make.at("2027-01-10"))
    card = make.account(home, name=ONE_WORD[:100], institution=WORDS[:100])
    make.account(home, name=CHINESE, institution=CHINESE, last4="")
    make.balance(card, MOST, date(2027, 2, 28), now())
    make.inflow(card, MOST, now(), name=ONE_WORD[:60])
    for number, name in zip(range(40), cycle(NAMES), strict=False):
        loan = make.loan(
            home,
            name=name,
            now=make.at("2027-01-10"),
            principal=MOST if number % 2 else 120_000,
            disbursed_on=date(2027, 1, 10),
            first_due_on=FIRST_DUE + timedelta(days=number % 3),
            penalty=PenaltyTerms(annual_rate=make.Decimal("0.18")),
        )
        make.repayment(loan, 12_345, date(2027, 1, 20), now(), note=name, account=card)
        if number < 5:
            assert isinstance(
                authorize_mandate(scope=loan, sources=[card], recording=make.recording(now())), AutoRepayMandate
            )
    Lender.objects.filter(household=home).update(name=ONE_WORD[:100])
