"""The private address of a member's calendar: made, made anew, switched off, and found again by what it says."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from ledger.models import Membership
from reminders.models import CalendarLink

_SALT = "reminders.calendar_links"
_TOKEN = re.compile(r"([1-9][0-9]{0,17})-([0-9a-f]{64})", re.ASCII)
READ_EVERY = timedelta(hours=1)  # how exactly it is kept when a calendar last asked


def new_link(*, member: Membership, now: datetime) -> CalendarLink:
    """A new address for a member's calendar; the one before it is dead from now on."""
    values = {"nonce": secrets.token_hex(16), "created_at": now, "read_at": None}
    row, _created = CalendarLink.objects.update_or_create(household=member.household, user=member.user, defaults=values)
    return row


def end_link(*, member: Membership) -> None:
    """Let there be no address any more."""
    CalendarLink.objects.filter(household=member.household, user=member.user).delete()


def link_of(member: Membership) -> CalendarLink | None:
    return CalendarLink.objects.filter(household=member.household, user=member.user).first()


def calendar_url(link: CalendarLink, member: Membership) -> str:
    """The whole address under which the calendar is read without signing in."""
    return settings.SITE_URL + reverse("reminders:calendar", args=[f"{link.pk}-{_signature(link, member)}"])


def read_token(token: str) -> tuple[CalendarLink, Membership] | None:
    """The link a token stands for and its member; None for one that was made up or revoked, or whose member has left.
    The membership is signed with it: who comes back later gets a new address."""
    found = _TOKEN.fullmatch(token)
    link = CalendarLink.objects.filter(pk=found[1]).first() if found else None
    if found is None or link is None:
        return None
    there = Membership.objects.filter(household=link.household_id, user=link.user_id, user__is_active=True)
    member = there.select_related("household", "user").first()
    if member is None or not constant_time_compare(_signature(link, member), found[2]):
        return None
    return link, member


def note_reading(*, link: CalendarLink, now: datetime) -> None:
    """Keep that a calendar asked, to the hour: so that its owner sees whether anything reads it."""
    if link.read_at is None or now - link.read_at >= READ_EVERY:
        CalendarLink.objects.filter(pk=link.pk).update(read_at=now)


def _signature(link: CalendarLink, member: Membership) -> str:
    said = f"{link.pk}:{link.household_id}:{link.user_id}:{member.pk}:{link.nonce}"
    return salted_hmac(_SALT, said, algorithm="sha256").hexdigest()
