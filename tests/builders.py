"""Plain functions that make what a test needs, with dull defaults."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import ContentFile
from django.test import Client

from ledger.loanmath.inflows import Repeats
from ledger.loanmath.terms import LoanTerms
from ledger.models import (
    Document,
    FundingAccount,
    Household,
    Loan,
    Membership,
    PlannedInflow,
    Role,
    StatedBalance,
    User,
)
from ledger.models.documents import DocumentKind
from ledger.services.accounts import state_balance
from ledger.services.documents import attach_document
from ledger.services.households import create_household
from ledger.services.inflows import Rhythm, plan_inflow
from ledger.services.loans import Opened, open_loan
from ledger.services.recording import Recording
from ledger.services.repayments import record_repayment

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)  # 12:00 on 1 March in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
_numbers = count(1)


def unique() -> str:
    return f"key-{next(_numbers)}"


def at(day: str, hour: int = 12) -> datetime:
    """A moment at `hour` o'clock Shanghai time on an ISO day."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00").astimezone(UTC)


def recording(now: datetime = NOW, **more: Any) -> Recording:
    return Recording(**({"key": unique(), "now": now} | more))


def user(email: str = "", **more: Any) -> User:
    return User.objects.create_user(email or f"{unique()}@example.com", "correct horse battery", **more)


def signed_in(person: User) -> Client:
    """A browser of this person's own."""
    client = Client()
    client.force_login(person)
    return client


def sentences(html: str) -> str:
    """A page's source without its links, so that a sentence with an amount that opens its terms reads as one."""
    return re.sub(r"</?a\b[^>]*>", "", html)


def household(owner: User | None = None, **more: Any) -> Household:
    values = {"name": "Home", "time_zone": "Asia/Shanghai", "currency": "CNY", "now": NOW} | more
    return create_household(owner=owner or user(), **values)


def member(of: Household, role: Role = Role.VIEWER, **more: Any) -> User:
    someone = user(**more)
    Membership.objects.create(household=of, user=someone, role=role)
    return someone


def terms(**more: Any) -> LoanTerms:
    """12,000.00 CNY at 12 % over 12 months from 10 January 2026, first due 10 February."""
    values: dict[str, Any] = {
        "currency": "CNY",
        "principal": 1_200_000,
        "disbursed_on": date(2026, 1, 10),
        "annual_rate": Decimal("0.12"),
        "count": 12,
        "first_due_on": date(2026, 2, 10),
    }
    return LoanTerms(**(values | more))


def loan(of: Household | None = None, *, now: datetime = NOW, name: str = "Laptop", **more: Any) -> Loan:
    """An open loan of these terms (`terms`, or keyword arguments for them)."""
    agreed = more.pop("terms", None) or terms(**more)
    opened = open_loan(
        household=of or household(), lender_name="Bank of Tests", name=name, terms=agreed, key=unique(), now=now
    )
    assert isinstance(opened, Opened), opened
    return opened.loan


def account(of: Household, **more: Any) -> FundingAccount:
    values = {"name": "Salary card", "last4": "1234", "currency": "CNY"} | more
    return FundingAccount.objects.create(household=of, **values)


def balance(of: FundingAccount, amount: int, stated_on: date, now: datetime = NOW) -> StatedBalance:
    stated = state_balance(account=of, amount=amount, stated_on=stated_on, recording=recording(now))
    assert isinstance(stated, StatedBalance), stated
    return stated


def inflow(of: FundingAccount, amount: int = 1_200_000, now: datetime = NOW, **more: Any) -> PlannedInflow:
    """A salary of 12,000.00 on the 15th of each month from January 2026 on."""
    name = more.pop("name", "Salary")
    rhythm = Rhythm(**({"repeats": Repeats.MONTHLY, "starts_on": date(2026, 1, 15)} | more))
    planned = plan_inflow(account=of, name=name, amount=amount, rhythm=rhythm, recording=recording(now))
    assert isinstance(planned, PlannedInflow), planned
    return planned


def repayment(of: Loan, amount: int, paid_on: date, now: datetime = NOW, **more: Any) -> Any:
    """The recorded repayment fact."""
    result = record_repayment(loan=of, amount=amount, paid_on=paid_on, recording=recording(now), **more)
    return result.fact


PDF = b"%PDF-1.7\n1 0 obj\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


class Sheet(BytesIO):
    """A file as a browser sends it; it can be sent again and again, by several at once."""

    def __init__(self, content: bytes = PDF, name: str = "receipt.pdf") -> None:
        super().__init__(content)
        self.name = name

    def read(self, size: int | None = -1, /) -> bytes:
        return self.getvalue()


def document(
    of: Loan, content: bytes = PNG, now: datetime = NOW, *, name: str = "contract.png", **more: Any
) -> Document:
    """A contract, kept with the loan."""
    kind = more.pop("kind", DocumentKind.CONTRACT)
    attached = attach_document(loan=of, upload=ContentFile(content, name), kind=kind, recording=recording(now), **more)
    assert isinstance(attached, Document), attached
    return attached
