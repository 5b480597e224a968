"""Adding a loan: a kind, what is known, one under way, or the lender's table; its schedule beside the form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.forms.add_loan import AddLoanForm
from ledger.forms.presets import MORE_PRESETS, PRESETS, WAYS, Preset, preset_of
from ledger.models import Lender
from ledger.selectors.benchmarks import follow_line, rate_has_moved
from ledger.selectors.preview import Agreement, agreement
from ledger.services.loans import Opened, open_loan
from ledger.services.refusal import Refusal
from loantracker.http import PageRequest, editor_page, go, page

COUNTS = (3, 6, 9, 12, 18, 24, 36, 60, 120, 240, 360)


@dataclass(frozen=True, slots=True)
class Choice:
    """One way in, as a link."""

    url: str
    label: str
    current: bool
    count: None = None


@editor_page
def add_loan(request: PageRequest) -> HttpResponse:
    """The form of the kind `?kind=` names. A post opens the loan, unless it asks only for the schedule: by htmx's
    target, or by the button `show` without JavaScript."""
    preset = preset_of(request.GET.get("kind", ""))
    options: dict[str, Any] = {"preset": preset, "household": request.household, "today": request.today}
    form = AddLoanForm(request.POST if request.method == "POST" else None, **options)
    if request.method != "POST":
        return _page(request, form)
    valid = form.is_valid()
    if request.htmx.target == "schedule" or "show" in request.POST:
        return _page(request, form)
    if not valid or form.terms is None:
        return _page(request, form, 422)
    said = form.cleaned_data
    opened = open_loan(
        household=request.household,
        lender_name=said["lender"],
        name=said["name"] or _name(preset, said["lender"]),
        terms=form.terms,
        key=said["key"],
        now=request.now,
        by=request.user,
        credit_line=said.get("credit_line"),
        note=said["note"],
        paid_before=request.today if said["past_paid"] else None,
        is_secured=preset.is_secured,
    )
    if isinstance(opened, Refusal):
        return _page(request, form, form.refuse(opened))
    messages.success(request, _opened(opened))
    return go(request, "ledger:loan", opened.loan.pk)


def _name(preset: Preset, lender: str) -> str:
    return lender if preset in WAYS else str(preset.label)


def _opened(opened: Opened) -> str:
    if opened.replayed:
        return _("This loan was already added.")
    bills = opened.loan.bills.count()
    return ngettext("%(name)s is added, with %(bills)d bill.", "%(name)s is added, with %(bills)d bills.", bills) % {
        "name": opened.loan.name,
        "bills": bills,
    }


def _page(request: PageRequest, form: AddLoanForm, status: int = 200) -> HttpResponse:
    worked_out = agreement(form.terms, request.today) if form.terms else None
    context = {
        "form": form,
        "agreement": worked_out,
        **_followed(request, form),
        "answer": _answer(form, worked_out),
        "problem": _problem(form) if form.is_bound and worked_out is None else "",
        "ways": [Choice("?", _("By kind"), form.preset not in WAYS), *(_choice(way, form.preset) for way in WAYS)],
        "kinds": _kinds(form.preset),
        "more_kinds": [(heading, [_choice(one, form.preset) for one in presets]) for heading, presets in MORE_PRESETS],
        "lenders": Lender.objects.filter(household=request.household).order_by("name").values_list("name", flat=True),
        "counts": COUNTS,
    }
    return page(request, "ledger/add_loan.html", context, pieces={"schedule": "ledger/_schedule.html"}, status=status)


def _followed(request: PageRequest, form: AddLoanForm) -> dict[str, Any]:
    """What the rate follows, and whether it is another by now than the one the schedule is worked out with."""
    if form.terms is None:
        return {}
    return {
        "follows": follow_line(form.terms, form.rates, request.today),
        "rate_moved": rate_has_moved(form.terms, form.rates, request.today),
    }


def _kinds(current: Preset) -> list[Choice]:
    """The kinds in sight: the usual ones, and the one that was chosen among the others."""
    if current in WAYS:
        return []
    return [_choice(preset, current) for preset in (*PRESETS, *([] if current in PRESETS else [current]))]


def _choice(preset: Preset, current: Preset) -> Choice:
    return Choice(f"?kind={preset.code}", str(preset.label), preset is current)


def _answer(form: AddLoanForm, worked_out: Agreement | None) -> str:
    """The name of the figure that was not given, once it is worked out."""
    return form.worked_out if worked_out else ""


def _problem(form: AddLoanForm) -> str:
    """Why there is no schedule, once enough was said to expect one."""
    figures = ("amount", "count", "rate", "fee_rate", "payment", "table", "first_due_on", "disbursed_on", "due_day")
    asked = [name for name in figures if name in form.fields]
    wrong = [name for name in asked if form.has_error(name) and not form.has_error(name, "required")]
    if not wrong:
        return ""
    return f"{form.fields[wrong[0]].label}: {form.errors[wrong[0]][0]}"
