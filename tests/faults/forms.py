"""Somebody at a browser: forms sent over HTTP, and the answers kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Barrier
from urllib.parse import urlencode
from uuid import uuid4

from django.test import Client

from ledger.models import User

TOKEN = "t" * 32
PATIENCE = 60.0  # seconds for one answer; a server that restarts keeps who asks waiting


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    seconds: float


class Browser:
    """A person signed in, at the server that listens at `address`."""

    def __init__(self, person: User, address: tuple[str, int]) -> None:
        client = Client()
        client.force_login(person)
        self._cookie = f"sessionid={client.cookies['sessionid'].value}; csrftoken={TOKEN}"
        self._address = address

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form; OSError or HTTPException where the line is cut before the answer is there."""
        began = time.monotonic()
        connection = HTTPConnection(*self._address, timeout=PATIENCE)
        try:
            headers = {
                "Cookie": self._cookie,
                "Content-Type": "application/x-www-form-urlencoded",
                "Host": f"{self._address[0]}:{self._address[1]}",
            }
            connection.request("POST", path, urlencode(fields | {"csrfmiddlewaretoken": TOKEN}), headers)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        return Answer(response.status, response.headers.get("Location", ""), time.monotonic() - began)

    def post_until_answered(self, path: str, fields: dict[str, str], seconds: float = 120) -> Answer:
        """Send a form again while nothing comes back, or nothing but an apology, as a person would."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                answer = self.post(path, fields)
            except (OSError, HTTPException):
                answer = None
            if answer is not None and (answer.status < 500 or time.monotonic() > give_up):
                return answer
            if time.monotonic() > give_up:
                raise TimeoutError(f"No answer to {path} within {seconds} s.")
            time.sleep(0.1)


def repayment(amount: int, day: str, **more: str) -> dict[str, str]:
    """The form for a repayment of `amount` minor units for what is due, as a browser sends it."""
    fields = {"key": str(uuid4()), "amount": f"{amount // 100}.{amount % 100:02}", "paid_on": day, "apply_to": "due"}
    return fields | more


def repayment_path(loan: int) -> str:
    return f"/loans/{loan}/repayments/new/"


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """The answers to calls that all begin at the same moment."""
    start = Barrier(len(calls))

    def begin(call: Callable[[], Answer]) -> Answer:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))
