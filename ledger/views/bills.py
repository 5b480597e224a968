"""All bills: what is open and what is paid, filtered by the URL."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.fields import new_key
from ledger.selectors.bills import STATES, bills_page
from ledger.services.projection import refresh
from loantracker.http import PageRequest, member_page, page

PIECES = {"bills": "ledger/_bills.html", "bills-page": "ledger/_bills_page.html"}


@member_page
def bills(request: PageRequest) -> HttpResponse:
    """The household's bills, by state, lender, month and text; each row opens its parts."""
    refresh(request.household, request.now)
    shown = bills_page(request.household, request.today, request.GET.dict())
    words = {
        "open": _("Open"),
        "overdue": _("Overdue"),
        "upcoming": _("Upcoming"),
        "presumed": _("Presumed paid"),
        "paid": _("Paid"),
        "all": _("All"),
    }
    asked = shown.filter
    tabs = [
        {
            "url": asked.query(state="" if state == "open" else state),
            "label": words[state],
            "current": state == asked.state,
        }
        for state in STATES
    ]
    return page(request, "ledger/bills.html", {"shown": shown, "tabs": tabs, "key": new_key()}, pieces=PIECES)
