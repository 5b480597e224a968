"""What every request carries: the household, its day and language; how htmx meets an expired login; what a browser
may load."""

from __future__ import annotations

import secrets
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from gzip import GzipFile
from io import BytesIO

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from ledger import clock
from ledger.models import Membership
from ledger.selectors.prepared import Prepared
from reminders.services.destinations import LISTED, failed_lately

GetResponse = Callable[[HttpRequest], HttpResponse]
HOUSEHOLD = "household"  # session key: which of their households a user is looking at


METHODS = ("GET", "HEAD", "POST")
TEXTS = {"application/javascript", "application/json", "application/manifest+json", "image/svg+xml"}
SHORT = 200  # bytes, too few to pack
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
MAIL_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'"  # a mail brings its own styles, as mail programs want


class CompressionMiddleware(GZipMiddleware):
    """What is text goes out compressed, files from `static/` too, pieces for htmx as tightly as can be, since they are
    small and waited for; pictures and documents are small as they are.

    A page holds secrets (tokens of its forms, addresses); GZipMiddleware adds some noise to its length, so that it
    does not tell what else is in the page (BREACH)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if not kind.startswith("text/") and kind not in TEXTS:
            return response
        if isinstance(response, HttpResponse) and "HX-Request" in request.headers and len(response.content) >= SHORT:
            patch_vary_headers(response, ("Accept-Encoding",))
            if re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
                response.content = _tightly(response.content, self.max_random_bytes)
                response.headers["Content-Encoding"] = "gzip"
                response.headers["Content-Length"] = str(len(response.content))
            return response
        packed: HttpResponseBase = super().process_response(request, response)
        if isinstance(response, FileResponse) and packed.has_header("Content-Encoding"):
            del packed.headers["ETag"]  # WhiteNoise would not know it again; the day of the file says the same
        return packed


def _tightly(text: bytes, noise: int) -> bytes:
    packed = BytesIO()
    with GzipFile(filename="a" * secrets.randbelow(noise), mode="wb", fileobj=packed, mtime=0) as file:
        file.write(text)
    return packed.getvalue()


class ContentPolicyMiddleware:
    """Pages load what this server has and nothing else, run no script written into them, and take GET and POST.

    A page that shows what others wrote (a mail) may set its own policy.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)
        response.setdefault("Content-Security-Policy", POLICY)
        return response


class HouseholdMiddleware:
    """Sets `request.now`, `.today`, `.membership`, `.household` (None where there is none) and the user's language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = clock.now()
        membership = _membership(request, now)
        request.now = now  # type: ignore[attr-defined]
        request.membership = membership  # type: ignore[attr-defined]
        request.household = membership and membership.household  # type: ignore[attr-defined]
        request.today = membership.household.today(now) if membership else now.date()  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language() or "en"
        if membership:
            timezone.activate(clock.zone(membership.household.time_zone))
        else:
            timezone.activate(zoneinfo.ZoneInfo("UTC"))
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.setdefault("Cache-Control", "no-store")
            response.headers["Content-Language"] = translation.get_language() or "en"
        return response


def _memberships(user: int, since: datetime) -> QuerySet[Membership]:
    mine = Membership.objects.filter(user=user).annotate(has_failed=failed_lately(since + LISTED))
    return mine.select_related("household").order_by("pk")


_MEMBERSHIPS = Prepared(_memberships)


def _membership(request: HttpRequest, now: datetime) -> Membership | None:
    """The user in the household they look at; with `has_failed`, whether a message to them failed lately."""
    if not request.user.is_authenticated:
        return None
    mine: list[Membership] = _MEMBERSHIPS.objects(user=request.user.pk, since=now - LISTED)
    chosen = request.session.get(HOUSEHOLD)
    return next((one for one in mine if one.household_id == chosen), mine[0] if mine else None)


class HtmxLoginMiddleware:
    """A login that expired answers htmx with a redirect of the whole page, not a form swapped into a table cell."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.htmx and response.status_code == 302 and not request.user.is_authenticated:  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(response.headers["Location"])
        return response
