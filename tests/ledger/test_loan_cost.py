"""What a loan truly costs: its page of items, flows, contingent costs and legal limits, and its lines elsewhere."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger.loanmath.cost import ContingentKind, ItemKind
from ledger.loanmath.day_count import DayCount
from ledger.loanmath.legal_caps import CapKind
from ledger.loanmath.terms import (
    Component,
    Method,
    PenaltyBase,
    PenaltyTerms,
    PrepaymentBase,
    PrepaymentFee,
    PrepaymentTier,
    UnbilledFees,
)
from ledger.models import Loan, Role
from ledger.selectors.cost import cost_page
from ledger.selectors.loan import loan_page
from ledger.services.charges import record_charge, waive_charge
from tests import builders as make
from tests.builders import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]

TODAY = date(2026, 3, 1)
INSTALLMENT = 106_619


def url(loan: Loan) -> str:
    return reverse("ledger:loan_cost", args=[loan.pk])


def read(client: Client, address: str) -> str:
    """The words of a page's main part, with single blanks."""
    said = client.get(address).content.decode()
    main = re.search(r"<main.*?</main>", said, re.DOTALL)
    assert main is not None
    text = re.sub(r"<[^>]+>", " ", re.sub(r"</?span[^>]*money[^>]*>|</span>", "", main[0]))
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ")).replace(" ;", ";")


def flat(home: Any, **more: Any) -> Loan:
    """12,000.00 at "0.6 % a month" over twelve months from today on."""
    values = {
        "annual_rate": Decimal(0),
        "method": Method.FLAT,
        "flat_fee": 86_400,
        "disbursed_on": date(2026, 2, 20),
        "first_due_on": date(2026, 3, 20),
    }
    return make.loan(home, **(values | more))


class TestWho:
    def test_members_read_it_and_nobody_else(self, home, loan):
        viewer, stranger = make.member(home, Role.VIEWER), make.user()
        make.household(stranger)
        assert signed_in(viewer).get(url(loan)).status_code == 200
        assert signed_in(stranger).get(url(loan)).status_code == 404
        assert Client().get(url(loan)).headers["Location"].startswith(reverse("account_login"))

    def test_it_takes_the_same_queries_whatever_was_recorded(self, loan, client, django_assert_num_queries):
        with django_assert_num_queries(7):
            client.get(url(loan))
        for day in (1, 2, 3):
            make.repayment(loan, 1_000, date(2026, 2, day))
        with django_assert_num_queries(7):
            client.get(url(loan))


class TestAgreed:
    def test_a_flat_price_beside_what_it_costs(self, home, client):
        said = read(client, url(flat(home)))
        assert "APR, simple 13.03% a year, all payments and fees counted; 13.84% compounded." in said
        assert "Advertised as 0.6% a month × 12 = 7.2% a year" in said
        assert "For every ¥1,000.00 borrowed you pay ¥72.00 on top, ¥864.00 in all." in said
        assert (
            "Installment fee In equal parts with each bill, 0.6% of the amount borrowed each time · "
            "paid to Bank of Tests 864.00 13.03%"
        ) in said
        assert "Total cost in normal performance 864.00 13.03%" in said
        assert "As it went" not in said

    def test_each_item_says_how_it_is_charged(self, home, client):
        said = read(client, url(make.loan(home, bill_fee=500, upfront_fee=12_000)))
        assert "Interest With each bill, 12% a year on what is still owed · paid to Bank of Tests 794.23 12%" in said
        assert "Fees with the bills With each bill, ¥5.00 · paid to Bank of Tests 60.00" in said
        assert (
            "Fee at the start Once, when the loan is paid out, 1% of the amount borrowed · "
            "paid to Bank of Tests 120.00" in said
        )

    def test_a_daily_rate_is_advertised_by_the_day(self, home, client):
        loan = make.loan(home, annual_rate=Decimal("0.18"), day_count=DayCount.ACT_360)
        assert "Advertised as 0.05% a day × 360 = 18% a year" in read(client, url(loan))

    def test_a_loan_without_cost_says_so(self, home, client):
        said = read(client, url(make.loan(home, annual_rate=Decimal(0))))
        assert "Advertised as free of interest" in said
        assert "The agreement names no interest and no fee." in said
        assert "The agreement names no cost of being late or of repaying early." in said
        assert "APR, simple 0%" in said

    def test_what_may_come_on_top_is_said_in_full(self, home, client):
        loan = make.loan(
            home,
            bill_fee=500,
            unbilled_fees=UnbilledFees.SHARE,
            unbilled_fee_share=Decimal("0.5"),
            penalty=PenaltyTerms(
                annual_rate=Decimal("0.27"),
                base=PenaltyBase.PRINCIPAL_AND_INTEREST,
                grace_days=3,
                adds_on=True,
                compounds=True,
                cap=50_000,
                cap_share=Decimal("0.5"),
                late_fee=1_000,
                late_fee_share=Decimal("0.05"),
                late_fee_base=PenaltyBase.MINIMUM,
                late_fee_floor=2_000,
                late_fee_cap=9_000,
            ),
            prepayment_fee=PrepaymentFee(
                fraction=Decimal("0.01"),
                base=PrepaymentBase.REMAINING,
                tiers=(PrepaymentTier(12, Decimal("0.03")),),
                months_of_interest=Decimal(2),
                least=5_000,
                free_after_months=36,
            ),
        )
        said = read(client, url(loan))
        for words in (
            "27% a year on overdue principal and interest",
            "on top of the loan’s own rate",
            "with interest on interest, month by month",
            "after 3 days of grace",
            "at most ¥500.00 on one bill",
            "at most 50% of the bill",
            "¥10.00 and 5% of the unpaid part of the minimum payment",
            "at least ¥20.00",
            "at most ¥90.00",
            "3% in the first 12 months",
            "1% of all principal owed",
            "interest of 2 months on what is prepaid",
            "at least ¥50.00",
            "free after 36 months",
            "50% of them is asked for",
        ):
            assert words in said.replace("&#x27;", "'")
        assert cost_page(loan, TODAY).cost.contingent == tuple(ContingentKind)


class TestAsItWent:
    def test_a_late_bill_and_a_charge_are_told_apart_from_the_agreement(self, loan, client):
        """Overdue since 10 February; 20.00 charged of which 5.00 waived: 794.23 + 15.00 = 809.23."""
        record_charge(loan=loan, amount=2_000, charged_on=date(2026, 2, 15), recording=make.recording())
        waive_charge(
            loan=loan,
            amount=500,
            component=Component.FEE,
            bill_number=2,
            waived_on=date(2026, 2, 16),
            recording=make.recording(),
        )
        shown = cost_page(Loan.objects.get(pk=loan.pk), TODAY)
        assert shown.differs
        assert {item.kind: item.amount for item in shown.cost.real.items} == {
            ItemKind.INTEREST: 79_423,
            ItemKind.BILL_FEE: 1_500,
        }
        said = read(client, url(loan))
        assert "As it went With what was recorded so far; the rest is estimated." in said
        assert "Bill 1 estimated 1,066.19" in said
        assert "12,000.00 12,809.23" in said  # received and paid, as it went
        assert "12,000.00 12,794.23" in said  # as agreed

    def test_paid_on_its_day_nothing_differs(self, loan):
        make.repayment(loan, INSTALLMENT, date(2026, 2, 10))
        shown = cost_page(Loan.objects.get(pk=loan.pk), TODAY)
        assert not shown.differs
        assert [line.paid for line in shown.real_flows[1:3]] == [INSTALLMENT, INSTALLMENT]
        assert [line.flow.is_expected for line in shown.real_flows[:3]] == [False, False, True]

    def test_a_bill_of_a_loan_without_a_rate_has_none(self, home, client):
        free = make.loan(home, annual_rate=Decimal(0), count=1)
        waive_charge(
            loan=free,
            amount=1_200_000,
            component=Component.PRINCIPAL,
            bill_number=1,
            waived_on=TODAY,
            recording=make.recording(),
        )
        assert cost_page(Loan.objects.get(pk=free.pk), TODAY).cost.real.annual is None
        assert client.get(url(free)).status_code == 200


class TestLegalLimits:
    def test_limits_of_the_day_it_was_paid_out_and_those_since(self, home, client):
        old = make.loan(home, disbursed_on=date(2021, 6, 10), first_due_on=date(2021, 7, 10))
        shown = cost_page(old, TODAY)
        assert [cap.kind for cap in shown.caps] == [
            CapKind.CN_PRIVATE_LPR,
            CapKind.CN_LICENSED_EXEMPT,
            CapKind.CN_CARD_FREE,
        ]
        assert [(cap.kind, cap.figure) for cap in shown.caps_since] == [
            (CapKind.CN_PRIVATE_LPR, Decimal("0.12")),
            (CapKind.CN_ONLINE_BANK, Decimal("0.24")),
        ]
        said = read(client, url(old))
        assert "four times the one-year LPR of the day of the contract, 15.4% a year." in said
        assert "Source: 金规〔2025〕9号" in said
        assert "nothing here judges it" in said

    @pytest.mark.parametrize("currency", ["BRL", "GBP", "INR"])
    def test_other_places_have_their_own(self, currency, home, client):
        said = read(client, url(make.loan(home, currency=currency)))
        assert "Legal limits, for information" in said
        assert "LPR" not in said

    def test_where_none_are_known_nothing_is_said(self, home, client):
        assert "Legal limits" not in read(client, url(make.loan(home, currency="USD")))


class TestElsewhere:
    def test_the_loan_page_leads_to_it(self, home, client):
        loan = flat(home)
        address = reverse("ledger:loan", args=[loan.pk])
        assert f'href="{url(loan)}"' in client.get(address).content.decode()
        said = read(client, address)
        assert "Advertised as 0.6% a month × 12 = 7.2% a year; it costs 13.03% a year." in said
        assert "For every ¥1,000.00 borrowed you pay ¥72.00 on top, ¥864.00 in all." in said
        assert "As it went" not in said

    def test_the_loan_page_says_how_it_went(self, loan, client):
        record_charge(loan=loan, amount=2_000, charged_on=date(2026, 2, 15), recording=make.recording())
        assert "As it went so far," in read(client, reverse("ledger:loan", args=[loan.pk]))
        cost = loan_page(Loan.objects.get(pk=loan.pk), TODAY).cost
        assert (cost.interest, cost.fee, cost.penalty, cost.total) == (79_423, 2_000, 0, 81_423)

    def test_the_preview_of_a_new_loan_labels_both_rates(self, client):
        asked = {
            "lender": "Mall",
            "name": "Phone",
            "currency": "CNY",
            "amount": "12000",
            "count": "12",
            "fee_rate": "0.6",
            "fee_per": "month",
            "disbursed_on": "2026-02-20",
            "first_due_on": "2026-03-20",
            "show": "1",
        }
        answer = client.post(f"{reverse('ledger:add_loan')}?kind=card", asked).content.decode()
        said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer).replace("\u00a0", " "))
        assert "True cost a year, simple 13.03% 13.84% compounded" in said
        assert "Advertised as 0.6% a month × 12 = 7.2% a year" in said
