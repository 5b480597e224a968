"""The rows of long lists as HTML. A template would write the same, at ten times the cost: words are looked up once for
a whole list, and nothing is looked up by name. Everything that people typed is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from html import escape  # as Django's, without asking first whether a text is lazy
from itertools import groupby
from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop

from ledger.loanmath.money import Parts
from ledger.selectors.bills import BillRow, OpenedBill, Part
from ledger.selectors.charts import Block
from ledger.selectors.loan import LoanPage, ScheduleLine
from ledger.selectors.overview import NextBill
from ledger.templatetags.days import distance, month, short_day
from ledger.templatetags.explaining import why, why_text
from ledger.templatetags.fast import icon, path_to, standing_badge
from ledger.templatetags.money import amount, money_text

register = template.Library()


@register.simple_tag(takes_context=True)
def bill_rows(context: Context, bills: Iterable[OpenedBill]) -> SafeString:
    """Bills that open their parts, each an <li>, under the name of their month; reads `today`, `may_write`, `key` and
    the request of the page."""
    row = _BillRows(context)
    shown: list[str] = []
    for first, those in groupby(bills, key=lambda bill: bill.row.payable_on.replace(day=1)):
        shown.append(f'<li class="rows-day">{escape(month(first))}</li>')
        shown += [row(bill) for bill in those]
    return SafeString("".join(shown))


@register.simple_tag(takes_context=True)
def next_rows(context: Context, bills: Iterable[NextBill]) -> SafeString:
    """Bills to come with whether they are covered, each an <li>; reads `today`."""
    row = _NextRows(context)
    return SafeString("".join(row(bill) for bill in bills))


@register.simple_tag(takes_context=True)
def schedule_rows(context: Context, shown: LoanPage, lines: Iterable[ScheduleLine]) -> SafeString:
    """Bills of a loan's schedule, each a <tr>; reads `today`, `may_write`, `key` and the request of the page."""
    row = _ScheduleRows(context, shown)
    return SafeString("".join(row(line) for line in lines))


@register.simple_tag(takes_context=True)
def answer(context: Context, loan: int, fact: int, place: str, back: str) -> SafeString:
    """The buttons that answer a presumed debit; reads `key` and the request of the page."""
    return SafeString(_Answers(context, place, back)(loan, fact))


def _day(day: date, today: date) -> str:
    return _row_day(day, today, get_language())


@lru_cache(maxsize=2048)
def _row_day(day: date, today: date, language: str | None) -> str:
    """The day and its distance, where rows begin."""
    shown, away = escape(short_day(day, today)), escape(distance(day, today))
    return f'<div class="row-date"><span class="figures nowrap">{shown}</span> <span class="muted">{away}</span></div>'


def _badge(label: str, picture: str) -> str:
    """As `_components/badge.html`."""
    return f'<span class="badge">{icon(picture)}{label}</span>'


class _Answers:
    """The buttons that answer a presumed debit; as `ledger/_answer.html`."""

    def __init__(self, context: Context, place: str, back: str) -> None:
        self.context, self.place, self.back = context, place, back
        self.yes, self.no = gettext("Yes, debited"), gettext("No, it failed")
        self._token = ""

    @property
    def token(self) -> str:
        if not self._token:
            self._token = get_token(self.context["request"])
        return self._token

    def __call__(self, loan: int, fact: int) -> str:
        url, here = path_to("ledger:confirm_repayment", loan, fact), f"answer-{self.place}-{fact}"
        no = path_to("ledger:answer_presumed", loan, fact) + "?say=no" + (f"&amp;back={self.back}" if self.back else "")
        key = f"{escape(self.context['key'])}-{fact}-yes"
        return (
            f'<div class="actions" id="{here}"><form method="post" action="{url}" hx-post="{url}" '
            f'hx-target="#{here}" hx-swap="outerHTML" hx-disabled-elt="find button">'
            f'<input type="hidden" name="csrfmiddlewaretoken" value="{self.token}">'
            f'<input type="hidden" name="key" value="{key}"><input type="hidden" name="back" value="{self.back}">'
            f'<button class="btn btn-small" type="submit">{icon("check")}{self.yes}</button></form>'
            f'<a class="btn btn-small btn-danger" href="{no}">{self.no}</a></div>'
        )


class _BillRows:
    """One bill of the bills page."""

    def __init__(self, context: Context) -> None:
        self.today: date = context["today"]
        self.may_write: bool = context["may_write"]
        self.answer = _Answers(context, "row", "bills")
        self.bill_n, self.bill, self.opens = gettext("bill %(number)s"), gettext("Bill"), gettext("Parts")
        self.paid, self.waived, self.left = (
            gettext("paid %(amount)s"),
            gettext("waived %(amount)s"),
            gettext("left %(amount)s"),
        )
        self.paid_on, self.by_itself = gettext("%(amount)s on %(day)s"), gettext("by auto-repay")
        self.presumed, self.unpaid = gettext("presumed"), gettext("Nothing has been paid on it yet.")
        self.reminders, self.record = gettext("Reminders of this bill"), gettext("Record repayment")
        self.auto_repay = _badge(gettext("Auto-repay"), "repeat")
        self.part_words = {name: gettext(words) for name, words in PART_WORDS.items()}

    def __call__(self, bill: OpenedBill) -> str:
        row = bill.row
        name = f"bill-{row.number}"
        head = (
            f'<a class="row-title" href="{path_to("ledger:loan", row.loan_id)}">{escape(row.lender)}</a> '
            f'<span class="row-sub">{escape(row.loan)} · {self.bill_n % {"number": row.number}}</span>'
        )
        if row.presumed:  # an answer given on this page changes it
            head += f' <span id="standing-{row.id}">{standing_badge(row.standing)}</span>'
        elif row.standing != "upcoming":
            head += f" {standing_badge(row.standing)}"
        if row.is_open and row.auto_repay:
            head += f" {self.auto_repay}"
        total, of = (row.open.total, "total-open") if row.is_open else (row.due.total, "total")
        return (
            f'<li class="row{"" if row.is_open else " row-done"}">{_day(row.payable_on, self.today)}'
            f'<div class="row-main">{head}</div>'
            f'<div class="row-amount">{why(total, row.currency, name, of, loan=row.loan_id)}</div>'
            f'<div class="row-note"><details class="more"><summary>{self.opens}</summary>{self._parts(bill, name)}'
            f"{self._paid_by(bill)}{self._reminders(row)}</details></div>{self._action(bill)}</li>"
        )

    def _parts(self, bill: OpenedBill, name: str) -> str:
        """What a bill is made of; what it comes to as well where the row above says only what is left of it."""
        row = bill.row
        parts = "".join(self._part(row, part, name) for part in bill.parts)
        if row.is_open and row.open != row.due:
            whole = why_text(row.due.total, row.currency, name, "total", loan=row.loan_id)
            parts += f'<div class="facts-total"><dt>{self.bill}</dt><dd>{whole}</dd></div>'
        return f'<dl class="facts">{parts}</dl>'

    def _part(self, row: BillRow, part: Part, name: str) -> str:
        due = why_text(part.due, row.currency, name, part.component, loan=row.loan_id)
        says_more = part.waived or (part.paid and part.open)
        note = f'<dd class="facts-note">{self._met(row, part, name)}</dd>' if says_more else ""
        return f"<div><dt>{self.part_words[part.component]}</dt><dd>{due}</dd>{note}</div>"

    def _met(self, row: BillRow, part: Part, name: str) -> str:
        said = (("paid", part.paid, self.paid), ("waived", part.waived, self.waived), ("open", part.open, self.left))
        return ", ".join(
            words % {"amount": why_text(minor, row.currency, name, part.component, of, loan=row.loan_id)}
            for of, minor, words in said
            if minor
        )

    def _paid_by(self, bill: OpenedBill) -> str:
        if not bill.paid_by:
            return f"<p>{self.unpaid}</p>" if bill.row.payable_on <= self.today else ""
        lines = []
        for paid in bill.paid_by:
            day = short_day(paid.paid_on, self.today)
            line = self.paid_on % {"amount": money_text(paid.amount, bill.row.currency), "day": day}
            line += f", {self.by_itself}" if paid.source == "auto" else ""
            line += f", {self.presumed}" if paid.presumed and bill.row.presumed else ""
            lines.append(f"<li>{escape(line)}</li>")
        return f"<ul>{''.join(lines)}</ul>"

    def _reminders(self, row: BillRow) -> str:
        if not row.is_open:
            return ""
        url = path_to("reminders:bill_reminders", row.loan_id, row.number)
        return f'<p><a href="{url}">{self.reminders}</a></p>'

    def _action(self, bill: OpenedBill) -> str:
        row = bill.row
        if not self.may_write:
            return ""
        if bill.to_confirm:
            answers = "".join(self.answer(row.loan_id, fact) for fact in bill.to_confirm)
            return f'<div class="row-action">{answers}</div>'
        if row.is_open and row.payable_on <= self.today:
            url = f"{path_to('ledger:record_repayment', row.loan_id)}?bill={row.number}"
            return f'<div class="row-action"><a class="btn btn-small" href="{url}">{self.record}</a></div>'
        return ""


PART_WORDS = {
    "principal": gettext_noop("Principal"),
    "interest": gettext_noop("Interest"),
    "fee": gettext_noop("Fee"),
    "penalty": gettext_noop("Penalty"),
}


class _NextRows:
    """One bill of the next days on the overview."""

    def __init__(self, context: Context) -> None:
        self.today: date = context["today"]
        self.bill_n = gettext("bill %(number)s")
        self.auto_repay = _badge(gettext("Auto-repay"), "repeat")
        self.covered, self.short = gettext("%(account)s covers it."), gettext("%(account)s is %(amount)s short.")
        self.capped = gettext("More than the limit for one debit: pay by hand.")
        self.leaning = gettext("%(account)s covers it if %(inflow)s comes in.")
        self.unknown = gettext("From %(account)s, whose balance is not known.")

    def __call__(self, bill: NextBill) -> str:
        row = bill.row
        head = (
            f'<a class="row-title" href="{path_to("ledger:loan", row.loan_id)}">{escape(row.lender)}</a> '
            f'<span class="row-sub">{escape(row.loan)} · {self.bill_n % {"number": row.number}}</span>'
        )
        if row.standing != "upcoming":
            head += f" {standing_badge(row.standing)}"
        if row.auto_repay:
            head += f" {self.auto_repay}"
        asked = why(row.open.total, row.currency, "bill", row.number, "total-open", loan=row.loan_id)
        return (
            f'<li class="row">{_day(row.payable_on, self.today)}<div class="row-main">{head}</div>'
            f'<div class="row-amount">{asked}</div>{self._funding(bill)}</li>'
        )

    def _funding(self, bill: NextBill) -> str:
        """Whether the account covers it; nothing where nothing debits it."""
        account = {"account": bill.account}
        if bill.funding == "covered":
            kind, picture, text = " is-ok", "check", self.covered % account
        elif bill.funding == "short":
            missing = money_text(bill.missing, bill.row.currency)
            kind, picture, text = " is-danger", "alert", self.short % (account | {"amount": missing})
        elif bill.funding == "capped":
            kind, picture, text = " is-danger", "alert", self.capped
        elif bill.leans_on:
            kind, picture, text = "", "hourglass", self.leaning % (account | {"inflow": bill.leans_on})
        elif bill.funding == "unknown":
            kind, picture, text = "", "info", self.unknown % account
        else:
            return ""
        return f'<p class="row-note{kind}">{icon(picture)} {escape(text)}</p>'


class _ScheduleRows:
    """One bill of a loan's schedule; on the loan's own page addresses are short and relative."""

    def __init__(self, context: Context, shown: LoanPage) -> None:
        self.today: date = context["today"]
        self.may_write: bool = context["may_write"]
        self.shown = shown
        self.answer = _Answers(context, "line", "")
        self.reminders = gettext("Reminders")
        self.same = gettext("Lender’s figure, the same as ours")
        self.differs = gettext("Lender’s figure; ours was %(ours)s (%(difference)s)")

    def __call__(self, line: ScheduleLine) -> str:
        row, currency = line.row, self.shown.currency
        kind = ' class="is-here"' if line.is_next else "" if row.is_open else ' class="is-past"'
        paid = _why(row.paid.total, currency, f"{line.cell}-total-paid") if row.paid.total else NOTHING
        balance = _why(line.balance, currency, f"balance-{row.number}")
        day = escape(short_day(row.payable_on, self.today))
        return (
            f'<tr{kind}><th scope="row">{row.number}</th><td class="nowrap">{day}</td><td>{self._standing(line)}</td>'
            f"{part_cells(row.due, self.shown, line.cell)}"
            f'<td class="num">{paid}</td><td class="num">{balance}</td></tr>'
        )

    def _standing(self, line: ScheduleLine) -> str:
        row = line.row
        told = f'<span id="standing-{row.id}">{standing_badge(row.standing)}</span>'
        if line.is_next or (row.is_open and row.payable_on <= self.today):
            url = path_to("reminders:bill_reminders", self.shown.id, row.number)
            told += f'<br><a class="small" href="{url}">{self.reminders}</a>'
        if self.may_write:
            told += "".join(self.answer(self.shown.id, fact) for fact in line.to_confirm)
        if line.computed is not None:
            told += f'<br><span class="small muted">{self._lenders(line, line.computed)}</span>'
        return told

    def _lenders(self, line: ScheduleLine, ours: Parts) -> str:
        """How the lender's figure and ours differ."""
        if not line.difference:
            return self.same
        currency = self.shown.currency
        return self.differs % {
            "ours": why_text(ours.total, currency, line.cell, "total-computed"),
            "difference": why_text(line.difference, currency, line.cell, "total-difference"),
        }


def _why(minor: int, currency: str, cell: str) -> str:
    """As `why_amount` on the loan's own page; `cell` needs no escaping."""
    return f'<a href="explain/{cell}/">{amount(minor, currency)}</a>'


NOTHING = '<span class="muted">—</span>'


@register.simple_tag
def column_blocks(blocks: Iterable[Block]) -> SafeString:
    """The parts of a chart's columns, each a <rect>."""
    return SafeString(
        "".join(
            f'<rect class="fill-{one.part}{" is-future" if one.is_future else ""}" x="{one.x}" y="{one.y}" '
            f'width="{one.width}" height="{one.height}"/>'
            for one in blocks
        )
    )


@register.simple_tag
def stack_rows(shown: LoanPage) -> SafeString:
    """The columns of a loan's chart as rows of a table."""
    rows = (
        f'<tr><th scope="row">{escape(one.label)}</th>{part_cells(one, shown, "")}</tr>'
        for one in (shown.charts.stacks if shown.charts else ())
    )
    return SafeString("".join(rows))


@register.simple_tag(takes_context=True)
def balance_rows(context: Context, shown: LoanPage) -> SafeString:
    """The planned and the actual balance of each day as rows of a table; reads `today`."""
    today, currency = context["today"], shown.currency
    return SafeString(
        "".join(
            f'<tr><th scope="row">{escape(short_day(one.day, today))}</th>'
            f'<td class="num">{amount(one.planned, currency)}</td>'
            f'<td class="num">{amount(one.actual, currency)}</td></tr>'
            for one in (shown.charts.balances if shown.charts else ())
        )
    )


@register.simple_tag
def part_cells(parts: Any, shown: LoanPage, whose: str) -> SafeString:
    """One amount and its parts, a cell each, the amount first, where a phone shows it. `parts`: Parts or Stack;
    `whose`: what the amounts belong to, as their explanations name it ("bill-3", "all"); "" where they have none."""
    currency, totals = shown.currency, shown.totals
    cell: Callable[[int, str], str]
    if whose:
        cell = lambda minor, part: _why(minor, currency, f"{whose}-{part}")  # noqa: E731
    else:
        cell = lambda minor, part: amount(minor, currency)  # noqa: E731
    cells = [cell(parts.total, "total"), cell(parts.principal, "principal"), cell(parts.interest, "interest")]
    if totals.fee:
        cells.append(cell(parts.fee, "fee"))
    if totals.penalty:
        cells.append(cell(parts.penalty, "penalty"))
    return SafeString("".join(f'<td class="num">{one}</td>' for one in cells))
