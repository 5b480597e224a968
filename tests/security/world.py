"""Two households with one of each thing, the map of all routes, and a fingerprint of everything that is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from ledger.models import (
    AutoRepayMandate,
    CreditLine,
    Document,
    Fact,
    FundingAccount,
    Household,
    Loan,
    Membership,
    PlannedInflow,
    Role,
    User,
)
from ledger.services.answer_links import make_token
from ledger.services.mandates import authorize_mandate
from reminders import rules
from reminders.action_links import Action, unsubscribe_token
from reminders.action_links import make_token as make_action_token
from reminders.calendar_feed import calendar_of
from reminders.models import Destination, Kind, Reminder, State
from reminders.secrets import seal
from reminders.services.calendar_links import calendar_url, link_of, new_link, note_reading
from tests import builders as make

TODAY = date(2026, 3, 1)  # in Shanghai at builders.NOW
NOT_FACTS = {"ledger.heartbeat"}  # says when the clockwork last ran


@dataclass(frozen=True, slots=True)
class Home:
    """A household with its people and one of everything they can look at."""

    household: Household
    owner: User
    editor: User
    viewer: User
    loan: Loan
    account: FundingAccount
    spare: FundingAccount
    inflow: PlannedInflow
    line: CreditLine
    paid: Fact
    presumed: Fact
    reminder: Reminder
    membership: Membership
    mandate: AutoRepayMandate
    channel: Destination
    document: Document
    settled: Loan

    @property
    def calendar_token(self) -> str:
        owner = Membership.objects.get(household=self.household, user=self.owner)
        link = link_of(owner)
        assert link is not None
        return calendar_url(link, owner).rpartition("/")[2].removesuffix(".ics")


def home(name: str) -> Home:
    owner = make.user(f"owner@{name}.example")
    household = make.household(owner, name=name)
    editor = make.member(household, Role.EDITOR, email=f"editor@{name}.example")
    viewer = make.member(household, Role.VIEWER, email=f"viewer@{name}.example")
    loan = make.loan(household, name=f"Laptop of {name}")
    account = make.account(household, name=f"Card of {name}")
    spare = make.account(household, name=f"Wallet of {name}", last4="", priority=1)
    line = CreditLine.objects.create(
        household=household, lender=loan.lender, name=f"Line of {name}", currency="CNY", limit=1_000_000
    )
    paid = make.repayment(loan, 50_000, date(2026, 2, 10), account=account)
    presumed = make.repayment(loan, 10_000, date(2026, 2, 20), presumed=True)
    make.balance(account, 500_000, date(2026, 2, 1))
    inflow = make.inflow(account, name=f"Salary of {name}")
    mandate = authorize_mandate(scope=loan, sources=[account], recording=make.recording())
    assert isinstance(mandate, AutoRepayMandate)
    reminder = Reminder.objects.create(
        household=household,
        recipient=viewer,
        kind=Kind.TEST,
        state=State.FAILED,
        created_at=make.NOW,
        send_at=make.NOW,
        next_at=make.NOW,
        message_id=f"<{name}@example.com>",
    )
    channel = Destination.objects.create(
        user=owner, kind="ntfy", label=f"Phone of {name}", secret=seal(f"ntfys://ntfy.sh/{name}"), created_at=make.NOW
    )
    loan.refresh_from_db()
    membership = Membership.objects.get(user=viewer)
    link = new_link(member=Membership.objects.get(household=household, user=owner), now=make.NOW)
    note_reading(link=link, now=make.NOW)
    settled = make.loan(household, name=f"Kettle of {name}", count=1)
    make.repayment(settled, settled.bills.get().due.total, date(2026, 2, 10))
    settled.refresh_from_db()
    calendar_of(household=household, language="en", now=make.NOW)  # what it says is noted when it is first read
    return Home(
        *(household, owner, editor, viewer, loan, account, spare, inflow, line, paid, presumed, reminder, membership),
        mandate,
        channel,
        make.document(loan, name=f"Contract of {name}.png"),
        settled,
    )


def signed_in(user: User | None, **options: Any) -> Client:
    client = Client(**options)
    if user is not None:
        client.force_login(user)
    return client


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every route of the resolver by its full name."""

    def walk(node: Any, space: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in node.url_patterns:
            if isinstance(pattern, URLPattern):
                yield f"{space}{pattern.name}", pattern
            else:
                yield from walk(pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space)

    return walk(get_resolver(), "")


@dataclass(frozen=True, slots=True)
class Route:
    """How to call one route. `args` are the ids in its URL, of a household's own objects; `who` may post: "owner",
    "editor" (owners too), "member", "nobody" (it takes no posts). `post` is a body that would change something."""

    who: str = "nobody"
    args: Callable[[Home], tuple[object, ...]] | None = None
    post: Callable[[Home], dict[str, object]] | None = None
    only_post: bool = False
    is_named: bool = False  # `args` are words, no object of a household
    is_numbered: bool = False  # the last of `args` counts within the object before it
    is_signed: bool = False  # the address itself says who is asking, nobody has to sign in; it has tests of its own
    form: str = "form"

    def url(self, name: str, of: Home) -> str:
        return reverse(name, args=self.args(of) if self.args else ())

    def body(self, of: Home) -> dict[str, object]:
        return self.post(of) if self.post else {}


def _loan(of: Home) -> tuple[object, ...]:
    return (of.loan.pk,)


def _fact(**more: object) -> Callable[[Home], dict[str, object]]:
    return lambda of: {"key": make.unique() + "-form", "seen": of.loan.version, "effective_on": "2026-03-01", **more}


def _chosen(of: Home, amount: str) -> dict[str, object]:
    """Bill 2 chosen on its statement, with so much to pay."""
    bill = of.loan.bills.get(number=2).pk
    return {f"pay-{bill}": "on", f"amount-{bill}": amount}


# Every route of the two apps. A route that is not here fails test_access_matrix: add it with who may use it.
ROUTES = {
    "ledger:overview": Route(),
    "ledger:bills": Route(),
    "ledger:bill_calendar": Route(),
    "ledger:statements": Route(),
    "ledger:statement": Route(
        who="editor",
        args=lambda of: (of.loan.lender_id, "2026-03-10"),
        post=lambda of: {
            "key": make.unique() + "-form",
            "seen": of.loan.version,
            "pays": "chosen",
            **_chosen(of, "100"),
            "paid_on": "2026-03-01",
        },
        is_numbered=True,
    ),
    "ledger:obligations": Route(),
    "ledger:say_how_to_pay": Route(
        who="editor",
        args=lambda of: (of.loan.lender_id,),
        post=lambda of: {"key": make.unique() + "-form", "contact": "95555", "how_to_pay": "In its app"},
    ),
    "ledger:activity": Route(),
    "ledger:choose_loan": Route(who="editor"),
    "ledger:add_loan": Route(
        who="editor",
        post=lambda of: {
            "key": make.unique() + "-form",
            "lender": "Bank",
            "name": "Bicycle",
            "amount": "12000",
            "currency": "CNY",
            "disbursed_on": "2026-02-15",
            "due_day": "10",
            "count": "12",
            "rate": "0.05",
            "rate_per": "day",
            "method": "level",
            "day_count": "act/360",
        },
    ),
    "ledger:record_repayment": Route(
        who="editor",
        args=_loan,
        post=lambda of: {
            "key": make.unique() + "-form",
            "seen": of.loan.version,
            "amount": "100",
            "paid_on": "2026-03-01",
            "apply_to": "due",
        },
    ),
    "ledger:record_charge": Route(who="editor", args=_loan, post=_fact(amount="5", component="fee", bill="2")),
    "ledger:waive_charge": Route(who="editor", args=_loan, post=_fact(amount="5", component="interest", bill="2")),
    "ledger:change_rate": Route(who="editor", args=_loan, post=_fact(annual_rate="10", effect="keep_term")),
    "ledger:defer_bill": Route(who="editor", args=_loan, post=_fact(bill="3", moved_to="2026-04-20", effect="move")),
    "ledger:state_lender_figure": Route(
        who="editor", args=_loan, post=_fact(bill="3", principal="900", interest="100", fee="0", penalty="0")
    ),
    "ledger:record_coupon": Route(who="editor", args=_loan, post=_fact(amount="5", bill="2", component="")),
    "ledger:record_refund": Route(who="editor", args=_loan, post=_fact(amount="500")),
    "ledger:record_drawdown": Route(who="editor", args=_loan, post=_fact(amount="500")),
    "ledger:move_due_date": Route(who="editor", args=_loan, post=_fact(bill="3", moved_to="2026-04-20")),
    "ledger:pause_interest": Route(who="editor", args=_loan, post=_fact(until="2026-03-31")),
    "ledger:extend_loan": Route(who="editor", args=_loan, post=_fact(count="3")),
    "ledger:amend_terms": Route(
        who="editor", args=_loan, post=_fact(annual_rate="10", method="level", due_day="10", count="11")
    ),
    "ledger:record_arrangement": Route(
        who="editor",
        args=_loan,
        post=_fact(first_due_on="2026-05-10", count="24", annual_rate="6", method="level", effect="forgives"),
    ),
    "ledger:loan": Route(args=_loan),
    "ledger:loan_cost": Route(args=_loan),
    "ledger:explain_sum": Route(args=lambda of: ("next-USD",), is_named=True),
    "ledger:explain_amount": Route(args=lambda of: (of.loan.pk, f"repayment-{of.paid.pk}-total")),
    "ledger:reverse_fact": Route(
        who="editor",
        args=lambda of: (of.loan.pk, of.paid.pk),
        post=lambda of: {"key": make.unique() + "-form", "seen": of.loan.version},
    ),
    "ledger:confirm_repayment": Route(
        who="editor",
        args=lambda of: (of.loan.pk, of.presumed.pk),
        post=lambda of: {"key": make.unique() + "-form"},
        only_post=True,
    ),
    "ledger:answer_presumed": Route(
        who="editor",
        args=lambda of: (of.loan.pk, of.presumed.pk),
        post=lambda of: {"key": make.unique() + "-form", "answer": "no", "reason": "insufficient"},
    ),
    "ledger:answer_debit": Route(
        args=lambda of: (make_token(repayment=of.presumed.pk, recipient=of.owner.pk, now=make.NOW),),
        post=lambda of: {"answer": "yes"},
        is_signed=True,
    ),
    "ledger:documents": Route(
        who="editor",
        args=_loan,
        post=lambda of: {"key": make.unique() + "-form", "kind": "receipt", "fact": of.paid.pk, "file": make.Sheet()},
    ),
    "ledger:document": Route(args=lambda of: (of.loan.pk, of.document.pk)),
    "ledger:remove_document": Route(who="editor", args=lambda of: (of.loan.pk, of.document.pk), post=lambda of: {}),
    "ledger:settlement": Route(
        who="editor", args=lambda of: (of.settled.pk,), post=lambda of: {"item": "proof", "deed": "done"}
    ),
    "ledger:credit_record": Route(
        who="owner",
        post=lambda of: {"monthly_income": "12000", "marks_kept_years": "7", "marks_kept_from": "start"},
    ),
    "ledger:accounts": Route(),
    "ledger:add_account": Route(
        who="editor",
        post=lambda of: {
            "key": make.unique() + "-form",
            "name": "Wallet",
            "kind": "wallet",
            "last4": "",
            "currency": "CNY",
            "balance": "10",
        },
    ),
    "ledger:state_balance": Route(
        who="editor",
        args=lambda of: (of.account.pk,),
        post=lambda of: {"key": make.unique() + "-form", "amount": "300", "stated_on": "2026-03-01"},
    ),
    "ledger:edit_account": Route(
        who="editor",
        args=lambda of: (of.account.pk,),
        post=lambda of: {
            "key": make.unique() + "-form",
            "name": "Old card",
            "institution": "River Bank",
            "last4": "4321",
        },
    ),
    "ledger:move_account": Route(
        who="editor", args=lambda of: (of.account.pk,), post=lambda of: {"place": "1"}, only_post=True
    ),
    "ledger:archive_account": Route(who="editor", args=lambda of: (of.spare.pk,), post=lambda of: {}, only_post=True),
    "ledger:plan_inflow": Route(
        who="editor",
        args=lambda of: (of.account.pk,),
        post=lambda of: {
            "key": make.unique() + "-form",
            "name": "Salary",
            "amount": "12000",
            "repeats": "monthly",
            "starts_on": "2026-03-15",
            "day": "",
            "until": "",
            "shift": "previous_workday",
            "holiday_calendar": "CN",
        },
    ),
    "ledger:end_inflow": Route(
        who="editor", args=lambda of: (of.account.pk, of.inflow.pk), post=lambda of: {}, only_post=True
    ),
    "ledger:mandate": Route(
        who="editor",
        args=_loan,
        post=lambda of: {
            "key": make.unique() + "-form",
            "account": of.account.pk,
            "preset": "own",
            "own_windows": "08:00, 20:00",
        },
    ),
    "ledger:change_mandate": Route(
        who="editor",
        args=lambda of: (of.loan.pk, of.mandate.pk),
        post=lambda of: {"what": "pause", "resumes_on": "2026-03-20"},
        only_post=True,
    ),
    "ledger:first_run": Route(),
    "ledger:add_credit_line": Route(
        who="editor", post=lambda of: {"lender": "Mall", "name": "Reserve", "limit": "20000", "currency": "CNY"}
    ),
    "ledger:settings": Route(
        who="owner",
        post=lambda of: {"part": "household", "name": "New", "time_zone": "Europe/Berlin", "currency": "EUR"},
        form="household_form",
    ),
    "ledger:rates": Route(
        who="editor",
        post=lambda of: {
            "key": make.unique() + "-sent",
            "series": "CN-LPR-5Y",
            "effective_on": "2026-02-20",
            "annual_rate": "3.4",
        },
    ),
    "ledger:members": Route(who="owner", post=lambda of: {"email": "stranger@example.com", "role": "viewer"}),
    "ledger:change_member": Route(
        who="owner", args=lambda of: (of.membership.pk,), post=lambda of: {"role": "editor"}, only_post=True
    ),
    "ledger:choose_household": Route(who="member", post=lambda of: {"household": of.household.pk}, only_post=True),
    "reminders:act": Route(
        args=lambda of: (
            make_action_token(
                action=Action.PARTLY,
                bill=of.loan.bills.get(number=2).pk,
                recipient=of.owner.pk,
                now=make.NOW,
            ),
        ),
        post=lambda of: {"amount_paid": "1"},
        is_signed=True,
    ),
    "reminders:unsubscribe": Route(
        args=lambda of: (unsubscribe_token(of.household, of.owner, rules.Category.LOANS),),
        post=lambda of: {"List-Unsubscribe": "One-Click"},
        is_signed=True,
    ),
    "reminders:calendar": Route(args=lambda of: (of.calendar_token,), is_signed=True),
    "reminders:calendar_settings": Route(who="member", post=lambda of: {}),
    "reminders:loan_calendar": Route(args=_loan),
    "reminders:mailbox": Route(),
    "reminders:message": Route(args=lambda of: (f"{of.household.name}.eml",)),
    "reminders:reminders": Route(),
    "reminders:bill_reminders": Route(args=lambda of: (of.loan.pk, 1), is_numbered=True),
    "reminders:send_again": Route(who="editor", args=lambda of: (of.reminder.pk,), post=lambda of: {}, only_post=True),
    "reminders:settings": Route(
        who="editor",
        post=lambda of: {"days": "-3", "then_every": "7", "hour": "9", "quiet_from": "22", "quiet_until": "8"},
    ),
    "reminders:choose": Route(who="member", post=lambda of: {"wanted": ["bills", "debits"]}, only_post=True),
    "reminders:preview": Route(),
    "reminders:send_test": Route(who="member", post=lambda of: {"key": "abcdefgh"}, only_post=True),
    "reminders:channels": Route(
        who="member", post=lambda of: {"url": f"ntfys://ntfy.sh/{of.household.name}-2", "label": "Tablet"}
    ),
    "reminders:remove_channel": Route(
        who="member", args=lambda of: (of.channel.pk,), post=lambda of: {}, only_post=True
    ),
    "reminders:change_channel": Route(
        who="member", args=lambda of: (of.channel.pk,), post=lambda of: {"what": "always"}, only_post=True
    ),
    "reminders:test_channel": Route(
        who="member", args=lambda of: (of.channel.pk,), post=lambda of: {"key": "abcdefgh"}, only_post=True
    ),
    "reminders:loan_settings": Route(
        who="editor",
        args=_loan,
        post=lambda of: {"follows": "own", "days": "-1", "then_every": "7", "hour": "9", "is_on": "on"},
    ),
}


def fingerprint() -> str:
    """A digest of every row of the two apps."""
    said = hashlib.sha256()
    for model in apps.get_models():
        if model._meta.app_label in {"ledger", "reminders"} and model._meta.label_lower not in NOT_FACTS:
            rows = model._base_manager.exclude(pk=None).order_by("pk")
            columns = [field.attname for field in model._meta.concrete_fields if field.attname != "last_login"]
            if not model._meta.proxy:
                said.update(repr((model._meta.label, list(rows.values_list(*columns)))).encode())
    return said.hexdigest()


def filled(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser would send if the form on the page were sent as it is."""
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field, forms.BooleanField):
            if value:
                data[bound.html_name] = "on"
        elif isinstance(value, list | tuple):
            data[bound.html_name] = [str(one) for one in value]
        else:
            data[bound.html_name] = "" if value is None else str(value)
    return data
