"""Settings: the user's language, the household, and ways to the settings kept elsewhere."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from ledger.forms.settings import HouseholdForm, LanguageForm
from ledger.models import Role
from ledger.services.households import update_household
from ledger.services.users import choose_language
from loantracker.http import PageRequest, go, member_page, owner_page, page


@member_page
def settings(request: PageRequest) -> HttpResponse:
    """Language for everyone, the household for its owner; a post names the `part` it is about."""
    if request.method != "POST":
        return _show(request)
    return _household(request) if request.POST.get("part") == "household" else _language(request)


def _language(request: PageRequest) -> HttpResponse:
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return _show(request, language=form, status=422)
    choose_language(user=request.user, language=form.cleaned_data["language"])
    translation.activate(request.user.language)
    messages.success(request, _("Pages and mails are in this language from now on."))
    return go(request, "ledger:settings")


@owner_page
def _household(request: PageRequest) -> HttpResponse:
    form = HouseholdForm(request.POST)
    if not form.is_valid():
        return _show(request, household=form, status=422)
    update_household(household=request.household, **form.cleaned_data)
    messages.success(request, _("Your household’s settings are saved."))
    return go(request, "ledger:settings")


def _show(
    request: PageRequest,
    *,
    language: LanguageForm | None = None,
    household: HouseholdForm | None = None,
    status: int = 200,
) -> HttpResponse:
    home = request.household
    known = {"name": home.name, "time_zone": home.time_zone, "currency": home.currency}
    context = {
        "language_form": language or LanguageForm(initial={"language": request.user.language}),
        "household_form": household or HouseholdForm(initial=known),
        "is_owner": request.membership.role == Role.OWNER,
    }
    return page(request, "ledger/settings.html", context, status=status)
