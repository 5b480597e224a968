"""The loan file: terms and facts as a person writes them by hand, read with the line of every mistake, and written.

Amounts are decimal text in the currency ("1055.92"), rates percents ("12.5%") or fractions ("0.125"), days ISO
dates. What `write_loan_file` writes, `read_loan_file` reads back as the same values. docs/loan-file.md is for users.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Union, get_args, get_origin

from ledger.loanmath import facts as kinds
from ledger.loanmath.checks import Problem, problems
from ledger.loanmath.codec import shape
from ledger.loanmath.fact_checks import fact_problems
from ledger.loanmath.facts import Fact
from ledger.loanmath.loan_file_values import (
    COUNTS,
    RATES,
    WrongValue,
    figure_text,
    percent_text,
    read_amount,
    read_bool,
    read_count,
    read_day,
    read_decimal,
    read_member,
    read_text,
)
from ledger.loanmath.money import decimal_text
from ledger.loanmath.placed_json import LoanFileError, Number, Placed, read_json
from ledger.loanmath.terms import LoanTerms

VERSION = 1
MOST_FACTS = 100_000
_CURRENCY = re.compile(r"[A-Z]{3}")
KINDS: dict[str, type[Fact]] = {
    "terms": kinds.TermsVersion,
    "repayment": kinds.Repayment,
    "drawdown": kinds.Drawdown,
    "rate_change": kinds.RateChange,
    "charge": kinds.Charge,
    "waiver": kinds.Waiver,
    "deferral": kinds.Deferral,
    "due_date_move": kinds.DueDateMove,
    "pause": kinds.Pause,
    "extension": kinds.Extension,
    "refund": kinds.Refund,
    "coupon": kinds.Coupon,
    "arrangement": kinds.Arrangement,
    "lender_figure": kinds.LenderFigure,
    "confirmation": kinds.Confirmation,
    "reversal": kinds.Reversal,
}
KIND_OF = {of: kind for kind, of in KINDS.items()}
WRITTEN_AS = {(Fact, "effective_on"): "on", (kinds.Coupon, "kind"): "takes_off"}


@dataclass(frozen=True, slots=True)
class LoanFile:
    """One loan: its first terms and everything that happened, with the names people know it by."""

    terms: LoanTerms
    facts: tuple[Fact, ...] = ()
    name: str = ""
    lender: str = ""


def read_loan_file(source: bytes | str) -> LoanFile:
    """The loan in a loan file. Raises LoanFileError with the line and the field of the first thing that is wrong:
    no JSON, a name that is unknown, missing or there twice, a value of another kind, an amount with too many
    decimals, a day that does not exist, terms under which nothing can be computed (`checks.problems`), a fact that
    names another one that is not there."""
    root = read_json(_text(source))
    members = _object(root, "", "the file")
    _known(members, ("version", "name", "lender", "terms", "facts"), "")
    version = members.get("version")
    if version is None:
        raise LoanFileError(root.line, "version", f"is missing; this is version {VERSION} of the form")
    if version.value != Number(VERSION):
        raise LoanFileError(version.line, "version", f"only {VERSION} is known here")
    if "terms" not in members:
        raise LoanFileError(root.line, "terms", "is missing")
    reader = _Reader(_currency(members["terms"]))
    terms = reader.terms(members["terms"], "terms")
    texts = {name: reader.scalar(str, name, members[name], name) for name in ("name", "lender") if name in members}
    found = reader.facts(members["facts"], terms) if "facts" in members else ()
    return LoanFile(terms=terms, facts=found, **texts)


def write_loan_file(loan: LoanFile) -> str:
    """The loan as a loan file; values at their default are left out."""
    currency = loan.terms.currency
    said: dict[str, Any] = {"version": VERSION}
    said |= {name: getattr(loan, name) for name in ("name", "lender") if getattr(loan, name)}
    said["terms"] = _plain_fields(loan.terms, currency)
    said["facts"] = [
        {"kind": KIND_OF[type(fact)], "id": fact.id, "on": fact.effective_on.isoformat()}
        | _plain_fields(fact, currency, leave_out=("id", "effective_on"))
        for fact in loan.facts
    ]
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


# --- Writing.


def _plain_fields(value: Any, currency: str, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a dataclass that differ from their default, by the names of the file, each as `_plain`."""
    return {
        written_as(type(value), item.name): _plain(getattr(value, item.name), item.name, currency)
        for item in fields(value)
        if item.name not in leave_out and (item.default is MISSING or getattr(value, item.name) != item.default)
    }


def _plain(value: Any, name: str, currency: str) -> Any:
    """The value of the field `name` as JSON says it: whole minor units as decimal text in `currency`, but for `COUNTS`;
    fractions in `RATES` as percents, other decimals as plain text; days as ISO dates."""
    if is_dataclass(value):
        return _plain_fields(value, currency)
    if isinstance(value, tuple):
        return [_plain(item, name, currency) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return percent_text(value) if name in RATES else format(value, "f")
    if isinstance(value, int) and not isinstance(value, bool) and name not in COUNTS:
        return decimal_text(value, currency)
    return value


def written_as(of: type, name: str) -> str:
    """What a field of terms or of a fact is called in the file."""
    return next((said for (owner, field), said in WRITTEN_AS.items() if field == name and issubclass(of, owner)), name)


# --- Reading.


def _text(source: bytes | str) -> str:
    """The file as text, without a byte order mark. Raises LoanFileError at the first byte that is not UTF-8."""
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source[: error.start].count(b"\n") + 1
        raise LoanFileError(line, "", "a sign that is not UTF-8; save the file as UTF-8") from None


def _object(node: Placed, path: str, what: str = "") -> dict[str, Placed]:
    """The members of an object by name; `what` names it in the LoanFileError raised where it is none."""
    if not isinstance(node.value, dict):
        raise LoanFileError(node.line, path, f'{what or "this"} must be an object in "{{ }}"')
    return node.value


def _known(members: dict[str, Placed], names: Iterable[str], path: str) -> None:
    """Raises LoanFileError for the first member that is none of `names`, with the nearest of them as a hint. `path`
    ends in a full stop, or is "" for the file itself."""
    names = list(names)
    for name, node in members.items():
        if name not in names:
            near = get_close_matches(name[:50], names, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise LoanFileError(node.named_on, f"{path}{name}", f"is not a known field{hint}")


def _currency(node: Placed) -> str:
    """The currency that says how many decimals amounts have, needed before anything else is read."""
    said = _object(node, "terms").get("currency")
    if said is None:
        raise LoanFileError(node.line, "terms.currency", "is missing")
    if not isinstance(said.value, str) or not _CURRENCY.fullmatch(said.value):
        raise LoanFileError(said.line, "terms.currency", 'must be three capital letters, such as "CNY"')
    return said.value


class _Reader:
    """Reads the values of one file, all amounts in `currency`."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def terms(self, node: Placed, path: str) -> LoanTerms:
        """Terms under which a loan can be computed. Raises LoanFileError for another currency, and for the first of
        what `checks.problems` finds."""
        terms = self.record(LoanTerms, node, path)
        assert isinstance(terms, LoanTerms)
        if terms.currency != self.currency:
            raise LoanFileError(node.value["currency"].line, f"{path}.currency", f"all of it is in {self.currency}")
        for problem in problems(terms)[:1]:
            line, field = _place(node, problem.field)
            raise LoanFileError(line, f"{path}.{field}", _words(problem, self.currency))
        return terms

    def facts(self, node: Placed, terms: LoanTerms) -> tuple[Fact, ...]:
        """The facts in the order of the file. Raises LoanFileError for more than `MOST_FACTS`, an id that two have, and
        a fact that names another one that is not there."""
        if not isinstance(node.value, list):
            raise LoanFileError(node.line, "facts", 'must be a list in "[ ]"')
        if len(node.value) > MOST_FACTS:
            raise LoanFileError(node.line, "facts", f"more than {MOST_FACTS} facts")
        found: dict[int, Fact] = {}
        for index, item in enumerate(node.value):
            fact = self.fact(item, f"facts[{index}]", index + 1, terms)
            if fact.id in found:
                line, _ = _place(item, "id")
                raise LoanFileError(line, f"facts[{index}].id", f"another fact has the id {fact.id}")
            found[fact.id] = fact
        for index, fact in enumerate(found.values()):
            _check_link(fact, found, node.value[index], f"facts[{index}]")
        return tuple(found.values())

    def fact(self, node: Placed, path: str, number: int, terms: LoanTerms) -> Fact:
        """One fact of a kind in `KINDS`; its id is its `number`, from 1, where none is said. Raises LoanFileError for
        an unknown kind, and for the first of what `fact_problems` finds."""
        members = _object(node, path)
        kind = members.get("kind")
        if kind is None:
            raise LoanFileError(node.line, f"{path}.kind", "is missing")
        if not isinstance(kind.value, str) or kind.value not in KINDS:
            raise LoanFileError(kind.line, f"{path}.kind", f"must be one of {', '.join(KINDS)}")
        of = KINDS[kind.value]
        members = {name: member for name, member in members.items() if name != "kind"}
        members.setdefault("id", Placed(Number(number), node.line, node.line))
        fact = self.record(of, Placed(members, node.line, node.named_on), path)
        assert isinstance(fact, Fact)
        for problem in fact_problems(terms, fact)[:1]:
            line, field = _place(node, written_as(of, problem.field))
            raise LoanFileError(line, f"{path}.{field}", _words(problem, self.currency))
        return fact

    def record(self, of: type, node: Placed, path: str) -> Any:
        """A value of the dataclass `of`. Raises LoanFileError for a field that is unknown, or missing without having a
        default."""
        members = _object(node, path)
        names = {written_as(of, name): (name, item, hint) for name, (item, hint) in shape(of).items()}
        also = ("kind",) if issubclass(of, Fact) else ()
        _known(members, (*names, *also), f"{path}.")
        for said, (_, item, _hint) in names.items():
            if said not in members and item.default is MISSING:
                raise LoanFileError(node.line, f"{path}.{said}", "is missing")
        return of(
            **{
                names[said][0]: self.value(names[said][2], names[said][0], member, f"{path}.{said}")
                for said, member in members.items()
            }
        )

    def value(self, hint: Any, name: str, node: Placed, path: str) -> Any:
        """The value of the field `name` by its type hint: optional, a tuple, terms, another dataclass or a scalar."""
        origin, inner = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            if node.value is None and type(None) in inner:
                return None
            return self.value(next(one for one in inner if one is not type(None)), name, node, path)
        if origin is tuple:
            if not isinstance(node.value, list):
                raise LoanFileError(node.line, path, 'must be a list in "[ ]"')
            return tuple(self.value(inner[0], name, item, f"{path}[{index}]") for index, item in enumerate(node.value))
        if hint is LoanTerms:
            return self.terms(node, path)
        if is_dataclass(hint):
            return self.record(hint, node, path)  # type: ignore[arg-type]
        return self.scalar(hint, name, node, path)

    def scalar(self, hint: Any, name: str, node: Placed, path: str) -> Any:
        """A single value by its type hint; a whole number is one of `COUNTS`, or an amount in minor units. Raises
        LoanFileError with the reason of WrongValue."""
        try:
            if hint is bool:
                return read_bool(node.value)
            if hint is date:
                return read_day(node.value)
            if hint is Decimal:
                return read_decimal(node.value, name)
            if hint is str:
                return read_text(node.value)
            if hint is int:
                return read_count(node.value, name) if name in COUNTS else read_amount(node.value, self.currency)
            return read_member(hint, node.value)
        except WrongValue as wrong:
            raise LoanFileError(node.line, path, str(wrong)) from None


def _check_link(fact: Fact, found: dict[int, Fact], node: Placed, path: str) -> None:
    """A reversal undoes an earlier fact, a confirmation is about a repayment; else this raises LoanFileError."""
    if not isinstance(fact, kinds.Reversal | kinds.Confirmation):
        return
    other = found.get(fact.of)
    if other is None or other is fact:
        raise LoanFileError(node.value["of"].line, f"{path}.of", f"there is no other fact with the id {fact.of}")
    if isinstance(fact, kinds.Confirmation) and not isinstance(other, kinds.Repayment):
        raise LoanFileError(node.value["of"].line, f"{path}.of", f"fact {fact.of} is no repayment")
    if isinstance(fact, kinds.Reversal) and fact.of > fact.id:
        raise LoanFileError(node.value["of"].line, f"{path}.of", "a reversal needs a higher id than what it undoes")


# --- What cannot be in an agreement.


def _place(node: Placed, field: str) -> tuple[int, str]:
    """The line of `field` ("penalty.annual_rate") inside the object, or of what holds it where it is left out."""
    line = node.line
    for name in field.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            break
        node = node.value[name]
        line = node.line
    return line, field


def _words(problem: Problem, currency: str) -> str:
    """What is wrong, to be read after the name of the field; amounts as decimal text in `currency`."""
    params = problem.params
    texts = {
        "not_positive": "must be above zero",
        "negative": "must not be below zero",
        "too_large": "is too large to be real",
        "above_principal": "must be less than the principal",
        "before_effective_on": "is before the day it holds from (on)",
        "before_disbursement": "is before the loan is paid out (disbursed_on)",
        "too_late": "is more than five years after the loan is paid out (disbursed_on)",
        "not_ascending": "must run from the earliest day to the latest, none twice and none before disbursed_on",
        "not_listed": f"there are {params.get('listed')} rows",
        "principal_differs": "the principal of all rows must add up to what is owed",
    }
    if problem.code == "never_amortizes":
        least = decimal_text(params["minimum_payment"], currency)
        return f"would never repay the loan; the least that does is {least}"
    if problem.code == "out_of_range" and {"least", "most"} <= params.keys():
        least, most = (figure_text(params[end], problem.field, currency) for end in ("least", "most"))
        return f"must be from {least} to {most}"
    return texts.get(problem.code, "is outside what a loan can have")
