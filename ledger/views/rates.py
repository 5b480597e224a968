"""Published rates: what is known of each series, and adding or correcting a point."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils.translation import gettext as _

from ledger.forms.rates import PublishedRateForm, known_codes
from ledger.selectors.benchmarks import SeriesCard, series_cards
from ledger.services.benchmarks import record_rate
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, go, member_page, page


@member_page
def rates(request: PageRequest) -> HttpResponse:
    """Every series with its points; a post records one. `?series=` and `?on=` name the point to correct."""
    cards = series_cards(request.household, request.today)
    codes = known_codes([card.code for card in cards])
    if request.method != "POST":
        return _page(request, cards, PublishedRateForm(codes=codes, initial=_wanted(request, cards)))
    if not request.membership.may_write:
        raise PermissionDenied
    form = PublishedRateForm(request.POST, codes=codes)
    if not form.is_valid():
        return _page(request, cards, form, 422)
    said = form.cleaned_data
    recorded = record_rate(
        household=request.household,
        series=form.code,
        effective_on=said["effective_on"],
        annual_rate=said["annual_rate"],
        source=said["source"],
        recording=Recording(key=said["key"], now=request.now, by=request.user),
    )
    if isinstance(recorded, Refusal):
        return _page(request, cards, form, form.refuse(recorded))
    messages.success(request, _("The rate is kept, and the loans that follow it are worked out anew."))
    return go(request, "ledger:rates")


def _wanted(request: PageRequest, cards: tuple[SeriesCard, ...]) -> dict[str, Any]:
    """What the form begins with: the point that the address names, or the first series today."""
    series, on = request.GET.get("series", ""), request.GET.get("on", "")
    card = next((card for card in cards if card.code == series), cards[0])
    line = next((line for line in card.lines if line.on.isoformat() == on), None)
    day: date | None = line.on if line else None
    return {"series": card.code, "effective_on": day, "annual_rate": line.annual_rate if line else None}


def _page(
    request: PageRequest, cards: tuple[SeriesCard, ...], form: PublishedRateForm, status: int = 200
) -> HttpResponse:
    return page(request, "ledger/rates.html", {"cards": cards, "form": form}, status=status)
