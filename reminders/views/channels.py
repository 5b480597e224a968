"""Pages of the channels on which a member hears of bills besides e-mail; each member has their own."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, go, member_page, page
from reminders.forms.channels import ChannelForm
from reminders.last_messages import channel_lines
from reminders.models import Destination
from reminders.push_urls import SERVICES
from reminders.services import destinations

LARGEST_ID = 2**63 - 1


@member_page
def channels(request: PageRequest) -> HttpResponse:
    """The signed-in member's channels, and the form for one more."""
    form = ChannelForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        made = destinations.add_destination(user=request.user, now=request.now, **form.cleaned_data)
        if not isinstance(made, Refusal):
            messages.success(request, _("The channel is added. Send a test to see whether it works."))
            return go(request, "reminders:channels")
        form.add_error(made.field or None, str(made))
    context = {
        "form": form,
        "lines": channel_lines(request.user, request.household, request.now),
        "services": SERVICES,
        "key": uuid.uuid4().hex,
    }
    return page(request, "reminders/channels.html", context, status=422 if form.is_bound else 200)


@require_POST
@member_page
def remove_channel(request: PageRequest, destination_id: int) -> HttpResponse:
    """Forget a channel and its address."""
    destinations.remove_destination(destination=_own(request, destination_id), now=request.now)
    messages.success(request, _("The channel is removed, and its address forgotten."))
    return go(request, "reminders:channels")


@require_POST
@member_page
def change_channel(request: PageRequest, destination_id: int) -> HttpResponse:
    """Move a channel up or down, or let it have everything, or only what the mail could not bring."""
    destination, what = _own(request, destination_id), request.POST.get("what", "")
    if what in {"up", "down"}:
        destinations.move_destination(destination=destination, up=what == "up")
    elif what in {"always", "instead"}:
        destinations.set_always(destination=destination, is_always=what == "always")
    return go(request, "reminders:channels")


@require_POST
@member_page
def test_channel(request: PageRequest, destination_id: int) -> HttpResponse:
    """Send a test to a channel, the way reminders go."""
    destination, key = _own(request, destination_id), request.POST.get("key", "")[:64]
    destinations.ask_for_push(household=request.household, destination=destination, key=key, now=request.now)
    messages.success(request, _("A test is on its way. Here you see what becomes of it; give it a minute."))
    return go(request, "reminders:channels")


def _own(request: PageRequest, destination_id: int) -> Destination:
    """A channel of the signed-in person; anybody else's, in the household or not, is a 404."""
    mine = Destination.objects.filter(user=request.user, removed_at=None, pk__lte=LARGEST_ID)
    return get_object_or_404(mine, pk=min(destination_id, LARGEST_ID))
