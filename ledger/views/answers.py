"""Answering a presumed debit: by the link in a mail, without signing in, and by members on a page of their own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation

from ledger.clock import zone
from ledger.forms.answers import NO, YES, AnswerForm
from ledger.forms.fields import is_key, new_key
from ledger.models import Fact, Loan, Membership
from ledger.models.facts import Kind
from ledger.selectors.answers import Answer, after_failure, question
from ledger.services.answer_links import AnswerLink, read_token
from ledger.services.answering import say_it_failed, say_it_was_debited
from ledger.services.recording import Recorded, Recording
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, own

PRESUMED = Fact.objects.filter(kind=Kind.REPAYMENT, presumed=True).select_related(
    "loan__household", "loan__lender", "account"
)
WANTED = {YES: Answer.DEBITED, NO: Answer.FAILED}
BACK = {"overview", "activity", "bills"}
PLACES = {  # by the place a button stands in: all places of its page that ask the same
    "needs": ("needs",),  # the overview
    **dict.fromkeys(("top", "line", "history"), ("top", "line", "history")),  # the loan's page
    "fact": ("fact",),  # the activity
    "row": ("row",),  # the bills
}
NOTED = {"needs", "top", "history", "fact"}  # where a sentence says that it is presumed


def answer_debit(request: PageRequest, token: str) -> HttpResponse:
    """The page a link in a mail leads to. Looking writes nothing, however often; the first post is the answer, and
    uses the link up. It works without signing in, for as long as its recipient may write in the household.

    The referrer policy stays that of all pages: under "no-referrer" a browser would send the form without an origin.
    """
    link = read_token(token)
    if link is None:
        raise Http404
    member, fact = _asked(link)
    translation.activate(member.user.language)
    timezone.activate(zone(member.household.time_zone))
    request.today = member.household.today(request.now)
    if not member.may_write:
        raise PermissionDenied
    around = {"user": AnonymousUser(), "household": member.household, "banners": [], "by_link": True}
    if link.is_expired(request.now):
        return _private(render(request, "ledger/answer_expired.html", {**around, "fact": fact}, status=410))
    recording = Recording(key=link.key, now=request.now, by=member.user)
    is_used = Fact.objects.filter(household=member.household, key=link.key).exists()
    return _private(_page(request, fact, recording, {**around, "is_used": is_used}))


@editor_page
def answer_presumed(request: PageRequest, loan_id: int, fact_id: int) -> HttpResponse:
    """The same question for a member who is signed in."""
    loan = own(request, Loan.objects, pk=loan_id)
    fact = own(request, PRESUMED, pk=fact_id, loan=loan)
    key = request.POST.get("key", "")
    recording = Recording(key=key if is_key(key) else new_key(), now=request.now, by=request.user)
    back = request.GET.get("back", "")
    return _page(request, fact, recording, {"back": back if back in BACK else "", "key": new_key()})


def _asked(link: AnswerLink) -> tuple[Membership, Fact]:
    """The recipient as a member of the household whose debit is asked about; 404 where they are none any more."""
    fact = PRESUMED.filter(pk=link.repayment, loan__archived_at=None).first()
    people = Membership.objects.filter(user=link.recipient, user__is_active=True).select_related("household", "user")
    member = people.filter(household=fact.household_id).first() if fact else None
    if fact is None or member is None:
        raise Http404
    return member, fact


def _page(request: PageRequest, fact: Fact, recording: Recording, around: dict[str, Any]) -> HttpResponse:
    """The question with its answer so far; a post answers it and leads back here."""
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _shown(request, fact, {**around, "form": form})
    if not form.is_valid():
        return _shown(request, fact, {**around, "form": form}, 422)
    result = _say(form, fact, recording)
    wanted = WANTED[form.cleaned_data["answer"]]
    if isinstance(result, Refusal) and question(fact, request.today).answer is not wanted:
        return _shown(request, fact, {**around, "form": form, "problem": str(result)}, 409)
    return redirect(request.get_full_path())


def _say(form: AnswerForm, fact: Fact, recording: Recording) -> Recorded | Refusal:
    if form.is_yes:
        return say_it_was_debited(repayment=fact, recording=recording)
    return say_it_failed(repayment=fact, reason=form.why, recording=recording)


def _shown(request: PageRequest, fact: Fact, context: dict[str, Any], status: int = 200) -> HttpResponse:
    asked = question(fact, request.today)
    context |= {"asked": asked, "after": after_failure(asked, fact, request.now), "say": request.GET.get("say", "")}
    return render(request, "ledger/answer_debit.html", context, status=status)


def is_answered_in_place(request: PageRequest, fact: Fact) -> bool:
    """Whether htmx asks for the piece of a list in which this debit was confirmed."""
    return bool(request.htmx) and request.htmx.target in {f"answer-{place}-{fact.pk}" for place in PLACES}


def answered_in_place(request: PageRequest, fact: Fact) -> HttpResponse:
    """That piece with the answer in words, and what else on its page asked the same."""
    place = (request.htmx.target or "").split("-")[1]
    places = PLACES[place]
    context = {
        "asked": question(fact, request.today),
        "place": place,
        "places": sorted(places, key=lambda one: one != place),
        "noted": [one for one in places if one in NOTED],
        "shows_bills": place in {"row", "line", "top", "history"},
        "back": request.POST.get("back", "") if request.POST.get("back", "") in BACK else "",
    }
    return render(request, "ledger/_answered.html", context)


def _private(response: HttpResponse) -> HttpResponse:
    """Kept nowhere, and found by nobody who does not hold the mail."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response
