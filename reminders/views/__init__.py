"""Pages of reminders: what was sent and why not, the kept mail, and what to be reminded of."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.models import Bill, Loan
from ledger.selectors.paging import read_id
from loantracker.http import PageRequest, editor_page, go, member_page, own, page
from loantracker.middleware import MAIL_POLICY
from reminders import lists, rules
from reminders.emails import compose
from reminders.emails.samples import FIRST, SAMPLES, Books
from reminders.forms import ChoiceForm, HouseholdPolicyForm, LoanPolicyForm
from reminders.last_messages import last_test
from reminders.lists import read_filter, reminder_page
from reminders.mailbox import kept_mail, kept_mails
from reminders.models import Reminder, State
from reminders.selectors import muted_by, recipients, wishes
from reminders.services import policies

LARGEST_ID = 2**63 - 1
LARGEST_NUMBER = 2**15 - 1  # of a bill


@member_page
def mailbox(request: PageRequest) -> HttpResponse:
    """The mails kept here for the signed-in user, because no mail server is set; newest first."""
    if not settings.MAIL_KEPT_LOCALLY:
        raise Http404
    return page(request, "reminders/mailbox.html", {"mails": kept_mails(request.user.email)})


@member_page
def message(request: PageRequest, name: str) -> HttpResponse:
    """One kept mail; somebody else's is not there."""
    mail = kept_mail(name, request.user.email) if settings.MAIL_KEPT_LOCALLY else None
    if mail is None:
        raise Http404
    response = page(request, "reminders/message.html", {"mail": mail})
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@member_page
def reminders(request: PageRequest) -> HttpResponse:
    """Every reminder of the household, planned, sent or not, with the reason."""
    asked = read_filter(request.GET.dict())
    shown = reminder_page(request.household, request.now, read_id(request.GET.get("before", "")), asked)
    first = reverse("reminders:reminders")
    context = {
        "shown": shown,
        "states": State.choices,
        "newer_url": first + asked.query() if shown.newer else "",
        "older_url": first + asked.query(before=shown.older) if shown.older else "",
    }
    return page(request, "reminders/reminders.html", context)


@member_page
def bill_reminders(request: PageRequest, loan_id: int, number: int) -> HttpResponse:
    """Why did I (not) get one: all messages about one bill, what became of each, and what is still to come."""
    loan = own(request, Loan.objects.select_related("lender", "household"), pk=_id(loan_id))
    bill = get_object_or_404(
        Bill.objects.select_related("loan__lender", "loan__household"), loan=loan, number=min(number, LARGEST_NUMBER)
    )
    return page(request, "reminders/bill_reminders.html", {"shown": lists.bill_reminders(bill, request.now)})


@require_POST
@editor_page
def send_again(request: PageRequest, reminder_id: int) -> HttpResponse:
    """Send a failed or uncertain message once more."""
    reminder = own(request, Reminder.objects.select_related("bill"), pk=_id(reminder_id))
    if policies.send_again(reminder=reminder, now=request.now):
        messages.success(request, _("It will be sent again within a minute."))
    else:
        messages.info(request, _("There is nothing to send again."))
    if request.POST.get("back") == "bill" and reminder.bill is not None:
        return go(request, "reminders:bill_reminders", reminder.bill.loan_id, reminder.bill.number)
    return go(request, "reminders:reminders")


@member_page
def settings_page(request: PageRequest) -> HttpResponse:
    """The days and the hour of reminders for all loans, and which loans have their own."""
    if request.method == "POST":
        return _save(request)
    return _settings(request, _form(request))


@editor_page
def _save(request: PageRequest) -> HttpResponse:
    form = _form(request, request.POST)
    if not form.is_valid():
        return _settings(request, form, status=422)
    policies.set_policy(household=request.household, policy=form.policy, second=form.second_id, now=request.now)
    messages.success(request, _("Your reminder settings are saved."))
    return go(request, "reminders:settings")


@require_POST
@member_page
def choose(request: PageRequest) -> HttpResponse:
    """What the user wants to hear of."""
    form = _choice_form(request, request.POST)
    if not form.is_valid():
        return _settings(request, _form(request), form, status=422)
    policies.choose(household=request.household, user=request.user, muted=form.muted, now=request.now)
    messages.success(request, _("Your choice is saved."))
    return go(request, "reminders:settings")


def _choice_form(request: PageRequest, data: Any = None) -> ChoiceForm:
    return ChoiceForm(muted_by(request.household, request.user), data)


def _settings(
    request: PageRequest, form: HouseholdPolicyForm, mine: ChoiceForm | None = None, status: int = 200
) -> HttpResponse:
    loans = Loan.objects.current().filter(household=request.household, settled_on=None)
    context: dict[str, Any] = {
        "form": form,
        "mine": mine or _choice_form(request),
        "loans": loans.select_related("lender", "reminder_policy").order_by("lender__name", "name"),
        "last_test": last_test(request.user, request.household, request.now),
        "key": uuid.uuid4().hex,
    }
    return page(request, "reminders/settings.html", context, status=status)


def _form(request: PageRequest, data: Any = None) -> HouseholdPolicyForm:
    household = request.household.pk
    known = wishes([household])
    policy = known.of_household.get(household, rules.DEFAULT)
    members = recipients([household]).get(household, [])
    return HouseholdPolicyForm(policy, members, known.second.get(household), data)


@member_page
def loan_settings(request: PageRequest, loan_id: int) -> HttpResponse:
    """The days and the hour for one loan, where they differ from the household's."""
    loan = own(request, Loan.objects.select_related("lender", "household"), pk=_id(loan_id))
    if request.method == "POST":
        return _save_loan(request, loan)
    return _loan_settings(request, loan, _loan_form(request, loan))


@editor_page
def _save_loan(request: PageRequest, loan: Loan) -> HttpResponse:
    form = _loan_form(request, loan, request.POST)
    if not form.is_valid():
        return _loan_settings(request, loan, form, status=422)
    if form.is_own:
        policies.set_policy(household=request.household, loan=loan, policy=form.policy, now=request.now)
    else:
        policies.forget_policy(loan=loan, now=request.now)
    messages.success(request, _("The reminders of %(loan)s are saved.") % {"loan": loan.name})
    return go(request, "reminders:settings")


def _loan_form(request: PageRequest, loan: Loan, data: Any = None) -> LoanPolicyForm:
    known = wishes([request.household.pk])
    policy = known.policy(request.household.pk, loan.pk)
    return LoanPolicyForm(policy, data, is_own=loan.pk in known.of_loan)


def _loan_settings(request: PageRequest, loan: Loan, form: LoanPolicyForm, status: int = 200) -> HttpResponse:
    return page(request, "reminders/loan_settings.html", {"form": form, "loan": loan}, status=status)


@member_page
def preview(request: PageRequest) -> HttpResponse:
    """What each kind of message would say right now, by the household's own books; `?kind=` picks one."""
    chosen = request.GET.get("kind", "")
    name = chosen if chosen in SAMPLES else FIRST
    sample = SAMPLES[name][1](Books(request.household, request.user, request.now))
    mail = compose(sample.rows, sample.at) if sample is not None else None
    base = reverse("reminders:preview")
    context: dict[str, Any] = {
        "kinds": [
            {"label": label, "url": f"{base}?kind={other}", "current": other == name}
            for other, (label, _find) in SAMPLES.items()
        ],
        "mail": mail,
        "html": mail.alternatives[0][0] if mail is not None else "",
        "at": sample.at if sample is not None and sample.at > request.now else None,
    }
    response = page(request, "reminders/preview.html", context)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@require_POST
@member_page
def send_test(request: PageRequest) -> HttpResponse:
    """Send the user a test mail, the way reminders go."""
    key = request.POST.get("key", "")[:64]
    policies.ask_for_test(household=request.household, user=request.user, key=key, now=request.now)
    messages.success(
        request,
        _("A test mail to %(address)s is on its way. Below you see what becomes of it.")
        % {"address": request.user.email},
    )
    return go(request, "reminders:settings")


def _id(number: int) -> int:
    """A number from a URL as an id; one no database could hold is nobody's."""
    if number > LARGEST_ID:
        raise Http404
    return number
