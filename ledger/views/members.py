"""The household's members, and which of their households a user looks at."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ledger.forms.members import ROLES, MemberForm, RoleForm
from ledger.models import Membership, Role
from ledger.services import members as services
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, go, member_page, owner_page, page
from loantracker.middleware import HOUSEHOLD


@member_page
def members(request: PageRequest) -> HttpResponse:
    """Who belongs here; an owner lets others in."""
    if request.method != "POST":
        return _show(request, MemberForm())
    return _add(request)


@owner_page
def _add(request: PageRequest) -> HttpResponse:
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=422)
    added = services.add_member(
        household=request.household, email=form.cleaned_data["email"], role=Role(form.cleaned_data["role"])
    )
    if isinstance(added, Refusal):
        form.add_error(added.field or None, str(added))
        return _show(request, form, status=422)
    messages.success(request, _("%(email)s is a member now.") % {"email": added.user.email})
    return go(request, "ledger:members")


@owner_page
@require_POST
def change_member(request: PageRequest, member_id: int) -> HttpResponse:
    """Give a member another role, or take them out (`remove`)."""
    member = get_object_or_404(Membership, pk=member_id, household=request.household)
    form = RoleForm(request.POST)
    if "remove" in request.POST:
        refused: object = services.remove_member(member=member)
    elif form.is_valid():
        refused = services.change_role(member=member, role=Role(form.cleaned_data["role"]))
    else:
        return _show(request, MemberForm(), status=422)
    if isinstance(refused, Refusal):
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The members are as you see them here."))
    return go(request, "ledger:members")


@member_page
@require_POST
def choose_household(request: PageRequest) -> HttpResponse:
    """Look at another of the user's households from now on."""
    mine = {str(id): id for id in Membership.objects.filter(user=request.user).values_list("household", flat=True)}
    chosen = request.POST.get("household", "")
    if chosen not in mine:
        raise Http404
    request.session[HOUSEHOLD] = mine[chosen]
    return go(request, "ledger:overview")


def _show(request: PageRequest, form: MemberForm, status: int = 200) -> HttpResponse:
    everyone = Membership.objects.filter(household=request.household).select_related("user").order_by("pk")
    mine = Membership.objects.filter(user=request.user).select_related("household").order_by("pk")
    context = {
        "form": form,
        "members": list(everyone),
        "mine": list(mine),
        "roles": ROLES,
        "is_owner": request.membership.role == Role.OWNER,
    }
    return page(request, "ledger/members.html", context, status=status)
