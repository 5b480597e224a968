"""Sending the form of a fact's page as a browser would: recorded, looked at first, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.loanmath.facts import ApplyTo
from ledger.models import Loan
from ledger.selectors.history import history
from tests import builders as make

KEY = "0123456789abcdef"
TODAY = datetime(2026, 3, 9, 4, 0, tzinfo=UTC)  # 12:00 on 9 March in Shanghai: bill 1 is late, bill 2 due tomorrow


def url(name: str, loan: Loan, query: str = "") -> str:
    return reverse(f"ledger:{name}", args=[loan.pk]) + query


def body(loan: Loan, **said: str) -> dict[str, str]:
    loan.refresh_from_db()
    return {"key": KEY, "seen": str(loan.version), "effective_on": "2026-03-09", "note": ""} | said


def send(client: Client, name: str, loan: Loan, query: str = "", **said: str) -> HttpResponse:
    return client.post(url(name, loan, query), body(loan, **said))


def look(client: Client, name: str, loan: Loan, query: str = "", **said: str) -> HttpResponse:
    headers = {"HX-Request": "true", "HX-Target": "preview"}
    return client.post(url(name, loan, query), body(loan, **said), headers=headers)


def settle(loan: Loan) -> None:
    """Pay the loan off on 9 March."""
    total = history(loan).payoff_quote(date(2026, 3, 9)).total
    make.repayment(loan, total, date(2026, 3, 9), TODAY, apply_to=ApplyTo.PAYOFF)
    loan.refresh_from_db()


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in response.context["form"].errors.items()}
