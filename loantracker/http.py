"""Typed requests, who may, full page or fragment, and redirects that htmx follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseLocation
from django_htmx.middleware import HtmxDetails

from ledger.models import Household, Membership, User


class PageRequest(HttpRequest):
    """A request of a signed-in member: what the middleware found out, once."""

    user: User
    htmx: HtmxDetails
    household: Household
    membership: Membership
    now: datetime
    today: date


View = Callable[..., HttpResponse]
LARGEST_ID = 2**63 - 1


def own(request: HttpRequest, queryset: Any, **lookup: Any) -> Any:
    """The one row of `queryset` that `lookup` names, of the household being looked at; a stranger's is a 404."""
    mine = queryset.for_user(request.user).filter(household=request.household)  # type: ignore[attr-defined]
    return get_object_or_404(mine, **lookup)


def own_loan(request: PageRequest, asked: Any, loan_id: int) -> Any:
    """The loan that the `Prepared` question `asked` (of `household` and `loan`) finds, else a 404; the middleware has
    found the user to be a member of the household being looked at."""
    found = asked.objects(household=request.household.pk, loan=loan_id) if loan_id <= LARGEST_ID else []
    if not found:
        raise Http404
    return found[0]


def member_page(view: View) -> View:
    """A page for members of a household; whoever has none yet is asked to make one."""

    @login_required
    @wraps(view)
    def wrapped(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.household is None:
            return redirect("ledger:first_run")
        return view(request, *args, **kwargs)

    return wrapped


def editor_page(view: View) -> View:
    """A page that records something: a viewer gets 403."""

    @member_page
    @wraps(view)
    def wrapped(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.membership.may_write:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return wrapped


def owner_page(view: View) -> View:
    """A page that manages the household: only an owner."""

    @member_page
    @wraps(view)
    def wrapped(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.membership.role != "owner":
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return wrapped


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    pieces: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render `template`, or the piece of it that htmx asked for.

    `pieces` maps the id of an element (htmx's target) to the template of that piece, which is rendered with the
    same context. Forms with errors come back in `status` 422, which base.html tells htmx to swap.
    """
    wanted = request.htmx.target if request.htmx and not request.htmx.history_restore_request else None  # type: ignore[attr-defined]
    response = render(request, (pieces or {}).get(wanted or "", template), context, status=status)
    if pieces:
        patch_vary_headers(response, ("HX-Request", "HX-Target", "HX-History-Restore-Request"))
    return response


def go(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """After a successful post: on to the page named `to`, by redirect, or as htmx wants it."""
    url = reverse(to, args=args, kwargs=kwargs)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseLocation(url)
    return redirect(url)
