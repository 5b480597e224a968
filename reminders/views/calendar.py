"""The calendar feed, the file of one loan, and the page on which a member gets the feed's address."""

from __future__ import annotations

import hashlib
from datetime import datetime
from importlib import import_module

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _

from ledger.models import Household, Loan
from loantracker.http import PageRequest, go, member_page, own, page
from reminders.services.calendar_links import calendar_url, end_link, link_of, new_link, note_reading, read_token

LARGEST_ID = 2**63 - 1


def calendar(request: PageRequest, token: str) -> HttpResponse:
    """The bills and debits of a household, for a calendar program that holds a member's address; nobody signs in."""
    found = read_token(token)
    if found is None:
        raise Http404
    link, member = found
    note_reading(link=link, now=request.now)
    body = _body(member.household, member.user.language, request.now)
    etag = quote_etag(hashlib.sha256(body).hexdigest())
    response = get_conditional_response(request, etag=etag, response=_file(body, "loantracker.ics"))
    assert response is not None  # what it is given, if the calendar has not got it already
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex"
    return response


@member_page
def loan_calendar(request: PageRequest, loan_id: int) -> HttpResponse:
    """The bills and debits of one loan, to be put into a calendar once."""
    if loan_id > LARGEST_ID:
        raise Http404
    loan = own(request, Loan.objects.all(), pk=loan_id)
    body = _body(request.household, request.user.language, request.now, loan)
    response = _file(body, f"loan-{loan.pk}.ics")
    response["Content-Disposition"] = f'attachment; filename="loan-{loan.pk}.ics"'
    return response


@member_page
def calendar_settings(request: PageRequest) -> HttpResponse:
    """The address of the user's calendar; a post makes a new one, or with `off` switches it off."""
    if request.method == "POST" and "off" in request.POST:
        end_link(member=request.membership)
        messages.success(request, _("The calendar’s address is switched off."))
        return go(request, "reminders:calendar_settings")
    if request.method == "POST":
        new_link(member=request.membership, now=request.now)
        messages.success(request, _("Here is the calendar’s new address. One there was before no longer works."))
        return go(request, "reminders:calendar_settings")
    link = link_of(request.membership)
    url = calendar_url(link, request.membership) if link is not None else ""
    context = {"link": link, "url": url, "webcal": "webcal" + url.removeprefix("https").removeprefix("http")}
    return page(request, "reminders/calendar_settings.html", context)


def _body(household: Household, language: str, now: datetime, loan: Loan | None = None) -> bytes:
    feed = import_module("reminders.calendar_feed")  # what it rests on takes 7 MB: only where somebody reads one
    return bytes(feed.calendar_of(household=household, language=language, now=now, loan=loan))


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
