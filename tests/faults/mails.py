"""Mails while things break: people who each are to get one, and what became of it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from ledger.models import Loan
from loantracker.celery import app
from reminders.models import Kind, LoanWatch, Reminder, State
from tests.faults.mail_sink import MailSink
from tests.faults.processes import wait_until
from tests.faults.run import SETTLES, Run
from tests.faults.world import patiently

TIMEOUT = 3  # seconds for which a worker waits for the mail server
BACK_OFFS = timedelta(minutes=61)  # after which whatever was put off is tried again
TRIES = 6


class Mails:
    """A run whose workers send to a mail server of ours. Each loan that comes is reminded of at once, to both of its
    household; a letter is about one bill, so it is known by the Message-ID of its reminder."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.loans: list[Loan] = []
        self.people: list[tuple[int, int]] = []  # of each loan, by id
        self.sink = MailSink(run.random, stall=TIMEOUT + 2)
        os.environ |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(self.sink.port), "EMAIL_TIMEOUT": str(TIMEOUT)}

    def arrive(self, loans: int) -> None:
        """Let households come in, where it is about noon, with a bill due since yesterday that nobody has paid."""
        for _ in range(loans):
            home = patiently(lambda: self.run.world.move_in(_where_it_is_noon(self.run.now)))
            self.loans.append(self.run.world.by_hand(home, due=1))
            self.people.append((home.people[0].pk, home.people[1].pk))
        with suppress(Exception):  # it is only a nudge: the beats are coming
            app.send_task("reminders.tasks.tick")

    def settle(self) -> None:
        """Nothing is in the way any more: let time pass until everybody has been written to, or nobody knows."""
        self.sink.trouble = 0
        for _ in range(TRIES):
            wait_until(lambda: not self._moving() and self._planned(), SETTLES)
            if not self._left():
                return
            self.run.product.kill()
            self.run.offset += round(BACK_OFFS.total_seconds())
            self.run.start()
        self.run.broken.append(f"{self._left()} people have not been written to")

    def _rows(self) -> QuerySet[Reminder]:
        return Reminder.objects.filter(kind=Kind.STEP, bill__loan__in=[loan.pk for loan in self.loans])

    def _moving(self) -> bool:
        """Whether a mail is under way, or due now."""
        due = Q(state__in=[State.PLANNED, State.FAILED], next_at__lte=self.run.now)
        under_way = Q(state__in=[State.SENDING, State.INFLIGHT])
        return patiently(self._rows().filter(due | under_way).exists)

    def _planned(self) -> bool:
        """Whether all loans have been looked at."""
        watched = LoanWatch.objects.filter(loan__in=[loan.pk for loan in self.loans])
        return patiently(watched.count) == len(self.loans)

    def _told(self) -> set[tuple[int, int]]:
        over = self._rows().filter(state__in=[State.SENT, State.UNCERTAIN])
        return patiently(lambda: set(over.values_list("bill__loan", "recipient")))

    def _wanted(self) -> set[tuple[int, int]]:
        return {(loan.pk, person) for loan, people in zip(self.loans, self.people, strict=True) for person in people}

    def _left(self) -> int:
        return len(self._wanted() - self._told())

    def look(self) -> None:
        """Every mail that was wanted was sent once, or is known to be uncertain; none was sent twice."""
        broken, taken = self.run.broken, self.sink.taken
        for loan, person in sorted(self._wanted() - self._told()):
            broken.append(f"user {person} was told nothing of loan {loan}, and nothing says so")
        twice = [name for name, times in taken.items() if times > 1]
        broken += [f"{name} was taken {taken[name]} times" for name in twice]
        state = dict(self._rows().values_list("message_id", "state"))
        sent = {name for name, is_now in state.items() if is_now == State.SENT}
        uncertain = {name for name, is_now in state.items() if is_now == State.UNCERTAIN}
        broken += [f"{name} is said to be sent and was not" for name in sent - set(taken)]
        broken += [f"{name} was sent, and the books say {state.get(name)}" for name in set(taken) - sent - uncertain]
        self.run.notes.append(
            f"{len(self._wanted())} mails wanted, {len(taken)} taken, {len(twice)} twice, "
            f"{len(uncertain)} uncertain ({len(uncertain - set(taken))} of them not sent)"
        )


def _where_it_is_noon(now: datetime) -> str:
    """A zone in which it is noon or just after."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
