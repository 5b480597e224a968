"""Pages behind the links of a letter: paid, partly paid, later, no more of these. They work without signing in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from ledger.clock import zone
from ledger.models import Bill, Fact, Membership
from ledger.models.facts import Kind as FactKind
from ledger.selectors.history import history
from ledger.services.recording import Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest
from reminders.action_links import Action, ActionLink, read_token, read_unsubscribe_token
from reminders.forms import CATEGORIES
from reminders.forms.mail_actions import PaidForm, PartForm, SnoozeForm
from reminders.models import ReminderChoice, Snooze
from reminders.services import mail_actions

BILLS = Bill.objects.filter(loan__archived_at=None).select_related("loan__household", "loan__lender")
PEOPLE = Membership.objects.filter(user__is_active=True).select_related("household", "user")
WORDS = dict(CATEGORIES)


def act(request: PageRequest, token: str) -> HttpResponse:
    """What a link about a bill would do. Looking writes nothing, however often; the first post does it and uses the
    link up, for as long as its recipient may: a viewer only puts their own reminders off.

    The referrer policy stays that of all pages: under "no-referrer" a browser would send the form without an origin.
    """
    link = read_token(token)
    if link is None:
        raise Http404
    member, bill = _asked(link)
    around = _enter(request, member) | {"bill": bill, "loan": bill.loan, "action": link.action.value}
    if link.action is not Action.SNOOZE and not member.may_write:
        raise PermissionDenied
    if link.is_expired(request.now):
        return _private(render(request, "reminders/act_expired.html", around, status=410))
    done = _done(link, member)
    if request.method == "POST" and done is None:
        return _private(_post(request, link, member, bill, around))
    if request.method == "POST":
        return _private(redirect(request.path))
    return _private(
        _shown(request, bill, {**around, "done": done, "undone": _is_undone(done), "form": _form(request, link, bill)})
    )


def _asked(link: ActionLink) -> tuple[Membership, Bill]:
    """The recipient as a member of the household whose bill it is; 404 where they are none any more."""
    bill = BILLS.filter(pk=link.bill).first()
    member = PEOPLE.filter(user=link.recipient, household=bill.loan.household_id).first() if bill else None
    if bill is None or member is None:
        raise Http404
    return member, bill


def _enter(request: PageRequest, member: Membership) -> dict[str, Any]:
    """Speak to the recipient, by their household's clock, whoever is signed in here; what every page then shows."""
    translation.activate(member.user.language)
    timezone.activate(zone(member.household.time_zone))
    request.today = member.household.today(request.now)
    return {"user": AnonymousUser(), "household": member.household, "banners": [], "today": request.today}


def _done(link: ActionLink, member: Membership) -> Fact | Snooze | None:
    """What this very link has done already."""
    kept: Any = Snooze if link.action is Action.SNOOZE else Fact
    done: Fact | Snooze | None = kept.objects.filter(household=member.household, key=link.key).first()
    return done


def _is_undone(done: Fact | Snooze | None) -> bool:
    """Whether what a link recorded was undone since; the link stays used up."""
    return isinstance(done, Fact) and done.targeted_by.filter(kind=FactKind.REVERSAL).exists()


def _form(request: PageRequest, link: ActionLink, bill: Bill, data: Any = None) -> forms.Form:
    if link.action is Action.PAID:
        return PaidForm(data, initial={"seen": _open(bill, request)})
    if link.action is Action.PARTLY:
        return PartForm(bill.loan.currency, data)
    days = mail_actions.days_to_snooze(bill.payable_on, request.today)
    return SnoozeForm(days, bill.payable_on, request.today, data)


def _post(
    request: PageRequest, link: ActionLink, member: Membership, bill: Bill, around: dict[str, Any]
) -> HttpResponse:
    form = _form(request, link, bill, request.POST)
    if not form.is_valid() and not isinstance(form, PaidForm):  # what was seen, and is no figure, is not what is open
        return _shown(request, bill, {**around, "form": form}, 422)
    result: Any
    if isinstance(form, SnoozeForm):
        until = form.cleaned_data["until"]
        result = mail_actions.snooze(bill=bill, user=member.user, until=until, key=link.key, now=request.now)
    elif isinstance(form, PaidForm | PartForm):
        recording = Recording(key=link.key, now=request.now, by=member.user)
        seen = form.cleaned_data.get("seen")
        result = mail_actions.repay(bill=bill, amount=form.amount, seen=seen, recording=recording)
    if isinstance(result, Refusal):
        again = _form(request, link, BILLS.get(pk=bill.pk)) if isinstance(form, PaidForm) else form
        return _shown(request, bill, {**around, "form": again, "problem": str(result)}, 409)
    return redirect(request.path)


def _shown(request: PageRequest, bill: Bill, context: dict[str, Any], status: int = 200) -> HttpResponse:
    needed = Bill.objects.filter(loan=bill.loan_id).needed().count() if bill.is_needed else 0  # it is none of them
    can_snooze = bool(mail_actions.days_to_snooze(bill.payable_on, request.today))
    context |= {"open": _open(bill, request), "count": needed, "can_snooze": can_snooze}
    return render(request, "reminders/act.html", context, status=status)


def _open(bill: Bill, request: PageRequest) -> int:
    """What is open on the bill today, a penalty that grew overnight included; nothing is written for it."""
    bills = history(bill.loan).project(request.today).bills
    return next((one.open.total for one in bills if one.number == bill.number), 0)


@csrf_exempt
def unsubscribe(request: PageRequest, token: str) -> HttpResponse:
    """Looking shows what the link would stop; a post stops it, also one a mail program sends by itself (RFC 8058: body
    "List-Unsubscribe=One-Click", no cookies). The signed address is all it takes, so no other proof is asked for."""
    link = read_unsubscribe_token(token)
    member = PEOPLE.filter(user=link.recipient, household=link.household).first() if link else None
    if link is None or member is None:
        raise Http404
    around = _enter(request, member) | {"what": [WORDS[category.value] for category in link.categories]}
    if request.method == "POST":
        mail_actions.mute(household=member.household, user=member.user, categories=link.categories)
        if request.POST.get("List-Unsubscribe") == "One-Click":
            return _private(HttpResponse(status=200))
        return _private(redirect(request.path))
    choice = ReminderChoice.objects.filter(household=member.household, user=member.user).first()
    around["is_muted"] = choice is not None and {category.value for category in link.categories} <= set(choice.muted)
    return _private(render(request, "reminders/unsubscribe.html", around))


def _private(response: HttpResponse) -> HttpResponse:
    """Kept nowhere, and found by nobody who does not hold the letter."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response
