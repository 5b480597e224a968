"""Bills, debits and paydays of a month as a calendar."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.utils.formats import get_format

from ledger.selectors.bill_calendar import bill_calendar as gather
from ledger.selectors.bill_calendar import read_month
from ledger.services.projection import refresh
from loantracker.http import PageRequest, member_page, page


@member_page
def bill_calendar(request: PageRequest) -> HttpResponse:
    """The month `?month=`, else this one; `?day=` opens a day below it."""
    refresh(request.household, request.now)
    month = read_month(request.GET.get("month", ""), request.today)
    # Django counts from Sunday, Python from Monday.
    week_begins = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7
    shown = gather(request.household, month, request.today, week_begins, request.GET.get("day", ""))
    days = [shown.weeks[1][0].on + timedelta(days=n) for n in range(7)]
    return page(request, "ledger/bill_calendar.html", {"shown": shown, "weekdays": days})
