"""The demo household's story: it holds on any day, in both languages, and can be told anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.management import call_command

from ledger.demo import tell
from ledger.demo_words import CHINESE, ENGLISH, Words
from ledger.loanmath.standing import Standing
from ledger.models import AutoRepayAttempt, Bill, Fact, Household, Loan, PlannedInflow, User
from ledger.models.facts import Kind
from ledger.models.paperwork import Deed, Item
from ledger.selectors.settlement import unfinished_settlements
from ledger.selectors.statements import statements_between
from ledger.services.checking import find_problems
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.service]


def told(today: date, words: Words = ENGLISH) -> Household:
    owner = builders.user()
    home = builders.household(owner, now=datetime.combine(today - timedelta(days=500), time(4), tzinfo=UTC))
    tell(owner, home, words, today)
    return home


@pytest.mark.parametrize("today", ["2026-11-24", "2027-01-01", "2027-03-31", "2028-02-29"])
def test_the_story_holds_on_any_day(today: str) -> None:
    day = date.fromisoformat(today)
    home = told(day)
    bills = Bill.objects.of_household(home).select_related("loan")
    overdue = {bill.loan.name: (day - bill.payable_on).days for bill in bills.overdue(day)}
    assert overdue == {"Phone installments": 3, "Flights home": 1}
    late = bills.overdue(day).get(loan__name="Phone installments")
    assert (late.standing(day), late.penalty_due > 0) == (Standing.OVERDUE, True)
    tries = AutoRepayAttempt.objects.filter(household=home)
    failed = tries.filter(outcome="failed", reason="insufficient")
    assert {attempt.bill.loan.name for attempt in failed} == {"Flights home"}
    assert all(attempt.missing > 0 for attempt in failed)
    in_part = tries.filter(outcome="partial", mandate__lender__name="Clearwater Bank")
    assert {attempt.bill.loan.name for attempt in in_part} <= {"Piano lessons", "Refrigerator"}
    assert in_part.exists()
    waiting = bills.filter(presumed__gt=0)
    assert [bill.loan.name for bill in waiting] == ["Gym membership"]
    kinds = (
        Fact.objects.filter(household=home)
        .exclude(kind__in=[Kind.REPAYMENT, Kind.CONFIRMATION])
        .values_list("kind", "loan__name")
    )
    assert sorted(kinds) == [
        ("arrangement", "Moving costs"),
        ("coupon", "Washing machine"),
        ("pause", "Evening course"),
    ]
    (left,) = unfinished_settlements(home, day).shown
    assert (left.loan, [(line.item, line.deed) for line in left.items]) == (
        "Scooter",
        [
            (Item.PROOF, Deed.DONE),
            (Item.INSURANCE, Deed.WAIVED),
            (Item.COLLATERAL, Deed.OPEN),
            (Item.CREDIT_REPORT, Deed.OPEN),
        ],
    )
    coming = statements_between(home, day, day + timedelta(days=30))
    assert [(one.lender, one.payable_on, one.count) for one in coming if one.count > 1] == [
        ("Lantern Pay", day + timedelta(days=9), 2)
    ]
    (salary,) = PlannedInflow.objects.filter(household=home)
    assert (salary.account.name, salary.amount, salary.day) == ("Salary card", 1_200_000, 15)
    first = Fact.objects.filter(household=home, kind=Kind.REPAYMENT).earliest("effective_on")
    assert (day - first.effective_on).days > 365
    assert list(find_problems()) == []


def test_the_story_is_told_in_chinese_too() -> None:
    home = told(date(2026, 11, 24), CHINESE)
    names = set(Loan.objects.filter(household=home).values_list("name", "lender__name"))
    assert names == {
        ("沙发", "星光商城"),
        ("回家机票", "星光商城"),
        ("洗衣机", "灯笼先享"),
        ("耳机", "灯笼先享"),
        ("家用车", "海港汽车金融"),
        ("自住房", "江畔银行"),
        ("手机分期", "雪松信用卡"),
        ("夜校课程", "山坡助学基金"),
        ("搬家费用", "老城消费金融"),
        ("钢琴课", "清水银行"),
        ("冰箱", "清水银行"),
        ("健身年卡", "山顶健身"),
        ("电动车", "青禾车行"),
    }


def test_the_command_builds_both_households_once_and_anew_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo")
    first = set(Household.objects.values_list("pk", flat=True))
    call_command("demo")
    assert set(Household.objects.values_list("pk", flat=True)) == first
    call_command("demo", "--reset")
    again = set(Household.objects.values_list("pk", flat=True))
    assert (len(again), again & first) == (2, set())
    assert sorted(User.objects.values_list("email", "language")) == [
        ("demo-zh@loantracker.example", "zh-hans"),
        ("demo@loantracker.example", "en"),
    ]
    assert "demo@loantracker.example / loantracker-demo" in capsys.readouterr().out
