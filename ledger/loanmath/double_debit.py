"""Whether a repayment made by hand may meet a debit of the lender's: both take the money, and one comes back late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ledger.loanmath.debits import DebitRule, moments, open_window


@dataclass(frozen=True, slots=True)
class Clash:
    """The debit that a repayment by hand may meet, local. `closes` is there while the lender may be debiting right
    now; it is None where the debit is still to come on that day."""

    opens: datetime
    closes: datetime | None = None


def clash(days: Iterable[date], rule: DebitRule, zone: ZoneInfo, paid_on: date, now: datetime) -> Clash | None:
    """The debit that money paid by hand on `paid_on` may meet, of bills payable on `days`: a window open `now` where
    that is today, else the first moment to come on that very day. None where the lender does not debit then.

    Source: banks' own warning not to pay by hand during the debit window (loan-rules.md §2).
    """
    days = list(days)
    if paid_on == now.astimezone(zone).date():
        for day in days:
            found = open_window(day, rule, zone, now)
            if found is not None:
                return Clash(*found)
    coming = [at for day in days for at in moments(day, rule, zone) if at.date() == paid_on and at > now]
    return Clash(min(coming)) if coming else None
