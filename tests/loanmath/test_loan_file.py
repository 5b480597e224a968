"""The loan file: what is written comes back, and every mistake is answered by its line and field."""

from __future__ import annotations

import json
import types
from dataclasses import is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger.loanmath import loan_file
from ledger.loanmath.checks import problems
from ledger.loanmath.codec import shape
from ledger.loanmath.fact_checks import fact_problems
from ledger.loanmath.facts import Fact, Repayment, Reversal
from ledger.loanmath.loan_file import KINDS, LoanFile, read_loan_file, write_loan_file
from ledger.loanmath.loan_file_values import COUNTS, MOST, RATES, percent_text
from ledger.loanmath.money import Parts
from ledger.loanmath.placed_json import LoanFileError
from ledger.loanmath.terms import ListedRow, LoanTerms, Method, PenaltyTerms
from tests.loanmath.builders import day, loan, repayment

# --- There and back.

START = date(2026, 1, 31)
MADE_APART = {"terms", "currency", "due_dates", "listed", "last_due_on", "payment", "principal_part", "weights"}
days = st.integers(0, 3000).map(lambda n: START + timedelta(days=n))
small = st.decimals(0, 1, places=6)


def any_value(hint: Any, name: str) -> st.SearchStrategy[Any]:
    """Any value a field may have, by its type and name alone: new fields are drawn without being named here."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.none() | any_value(next(one for one in inner if one is not type(None)), name)
    if origin is tuple:
        return st.lists(any_value(inner[0], name), max_size=3).map(tuple)
    if is_dataclass(hint):
        return st.builds(hint, **{n: any_value(h, n) for n, (_, h) in shape(hint).items()})  # type: ignore[arg-type]
    if hint is int:
        return st.integers(1, min(MOST.get(name, 3), 3)) if name in COUNTS else st.integers(1, 10**7)
    plain = {date: days, Decimal: small, bool: st.booleans(), str: st.text("aZ 九\"'\\€", max_size=5)}
    return plain[hint] if hint in plain else st.sampled_from(list(hint))


@st.composite
def agreements(draw: st.DrawFn) -> LoanTerms:
    names = sorted(set(shape(LoanTerms)) - MADE_APART)
    said = {name: draw(any_value(shape(LoanTerms)[name][1], name)) for name in draw(st.sets(st.sampled_from(names)))}
    said |= {
        "currency": draw(st.sampled_from(["CNY", "JPY", "KWD"])),
        "principal": draw(st.integers(10**8, 10**12)),
        "disbursed_on": START,
        "annual_rate": draw(small),
        "count": draw(st.integers(4, 40)),
        "first_due_on": START + timedelta(days=draw(st.integers(1, 60))),
        "method": draw(st.sampled_from([method for method in Method if method is not Method.LISTED])),
    }
    terms = LoanTerms(**said)
    assume(problems(terms) == [])
    return terms


@st.composite
def histories(draw: st.DrawFn, currency: str) -> tuple[Fact, ...]:
    found: list[Fact] = []
    for number in draw(st.sets(st.integers(1, 10**6), max_size=5)):
        of = draw(st.sampled_from([kind for kind in KINDS.values() if "of" not in shape(kind)]))
        made = {name: any_value(hint, name) for name, (_, hint) in shape(of).items() if name != "terms"}
        if "terms" in shape(of):
            made["terms"] = agreements().map(lambda terms: replace(terms, currency=currency))
        fact = replace(draw(st.builds(of, **made)), id=number)
        if not fact_problems(loan(currency=currency), fact):
            found.append(fact)
    if found and draw(st.booleans()):
        found.append(Reversal(id=10**7, effective_on=START, of=found[0].id))
    return tuple(found)


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_what_is_written_comes_back(data: st.DataObject) -> None:
    terms = data.draw(agreements())
    said = LoanFile(terms, data.draw(histories(terms.currency)), data.draw(st.sampled_from(["", "备用金"])))
    text = write_loan_file(said)
    assert read_loan_file(text) == said
    assert read_loan_file(b"\xef\xbb\xbf" + text.encode()) == said


def test_a_table_comes_back() -> None:
    rows = (ListedRow(day("2026-02-10"), Parts(1_200_000, 12_000, 5)),)
    listed = LoanFile(loan(method=Method.LISTED, count=1, listed=rows))
    assert read_loan_file(write_loan_file(listed)) == listed


def test_it_is_written_as_a_person_would() -> None:
    said = LoanFile(
        loan(penalty=PenaltyTerms(annual_rate=Decimal("0.216"), grace_days=3)), (repayment(7, "2026-02-10", 107_971),)
    )
    assert json.loads(write_loan_file(said)) == {
        "version": 1,
        "terms": {
            "currency": "CNY",
            "principal": "12000.00",
            "disbursed_on": "2026-01-10",
            "annual_rate": "14.4%",
            "count": 12,
            "first_due_on": "2026-02-10",
            "penalty": {"annual_rate": "21.6%", "grace_days": 3},
        },
        "facts": [{"kind": "repayment", "id": 7, "on": "2026-02-10", "amount": "1079.71"}],
    }


def test_rates_and_amounts_may_be_written_in_several_ways() -> None:
    same = [("14.4%", "12000.00"), ("0.144", "12,000"), (0.144, 12_000), ("14.40 %", 12000.0)]
    found = {read(PLAIN | {"annual_rate": rate, "principal": amount}) for rate, amount in same}
    assert found == {LoanFile(loan())}


def test_facts_without_an_id_are_numbered_as_they_stand() -> None:
    paid = {"kind": "repayment", "on": "2026-02-10", "amount": "5"}
    undone = {"kind": "reversal", "on": "2026-02-10", "of": 2}
    assert read(PLAIN, [paid, paid, undone]).facts == (
        Repayment(id=1, effective_on=day("2026-02-10"), amount=500),
        Repayment(id=2, effective_on=day("2026-02-10"), amount=500),
        Reversal(id=3, effective_on=day("2026-02-10"), of=2),
    )


@pytest.mark.parametrize(
    ("fraction", "text"), [("0.125", "12.5%"), ("0", "0%"), ("1", "100%"), ("-0.003", "-0.3%"), ("1E+1", "1000%")]
)
def test_percents_are_exact(fraction: str, text: str) -> None:
    assert percent_text(Decimal(fraction)) == text


def whole_numbers(of: type, found: set[str]) -> set[str]:
    for name, (_, hint) in shape(of).items():
        for inner in (hint, *get_args(hint), *(arg for one in get_args(hint) for arg in get_args(one))):
            if inner is int:
                found.add(name)
            elif is_dataclass(inner) and isinstance(inner, type):
                whole_numbers(inner, found)
    return found


def decimals(of: type) -> set[str]:
    return {name for name, (_, hint) in shape(of).items() if Decimal in (hint, *get_args(hint))}


def test_every_whole_number_is_known_as_a_count_or_as_money() -> None:
    """A new field of terms or facts that counts something belongs in COUNTS, an amount in the list here."""
    found = set().union(*(whole_numbers(of, set()) for of in (LoanTerms, *KINDS.values())))
    assert found - COUNTS == {
        "amount",
        "balloon",
        "bill_fee",
        "cap",
        "down_payment",
        "extra_payment",
        "fee",
        "flat_fee",
        "interest",
        "late_fee",
        "late_fee_cap",
        "late_fee_floor",
        "least",
        "least_amount",
        "minimum_floor",
        "multiple_of",
        "opening_balance",
        "payment",
        "payment_unit",
        "penalty",
        "principal",
        "principal_part",
        "upfront_fee",
    }
    assert found >= COUNTS


def test_every_kind_of_fact_can_be_written() -> None:
    assert {kind.__name__ for kind in KINDS.values()} == {kind.__name__ for kind in Fact.__subclasses__()}


def test_every_share_of_a_fact_is_a_rate() -> None:
    assert {name for kind in KINDS.values() for name in decimals(kind)} <= RATES


# --- What is wrong, and where.

PLAIN: dict[str, Any] = {
    "currency": "CNY",
    "principal": "12000.00",
    "disbursed_on": "2026-01-10",
    "annual_rate": "14.4%",
    "count": 12,
    "first_due_on": "2026-02-10",
}


def read(terms: dict[str, Any], facts: list[dict[str, Any]] | None = None) -> LoanFile:
    return read_loan_file(json.dumps({"version": 1, "terms": terms, "facts": facts or []}))


FILE = """{
  "version": 1,
  "name": "Sofa",
  "terms": {
    "currency": "CNY",
    "principal": "6000.00",
    "disbursed_on": "2026-01-05",
    "annual_rate": "18%",
    "count": 6,
    "first_due_on": "2026-02-10",
    "penalty": {
      "annual_rate": "27%",
      "grace_days": 3
    },
    "order": ["penalty", "fee",
              "interest", "principal"]
  },
  "facts": [
    {"kind": "repayment", "id": 1, "on": "2026-02-10", "amount": "1055.92"},
    {
      "kind": "lender_figure",
      "id": 2,
      "on": "2026-02-11",
      "bill": 2,
      "parts": {
        "principal": "985.00",
        "interest": "70.00"
      }
    },
    {"kind": "reversal", "id": 3, "on": "2026-02-12", "of": 1}
  ]
}
"""


def wrong(old: str, new: str) -> tuple[int, str, str]:
    assert FILE.count(old) == 1
    with pytest.raises(LoanFileError) as found:
        read_loan_file(FILE.replace(old, new))
    return found.value.line, found.value.field, found.value.message


def test_the_file_itself_is_right() -> None:
    assert [fact.id for fact in read_loan_file(FILE).facts] == [1, 2, 3]


AMOUNT = 'must be an amount such as "1055.92"'
WHOLE = "must be a whole number, without quotes"


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        # no JSON
        ('"version": 1,', '"version": 1', 3, "version", 'a "," or the closing "}" must follow'),
        ('"count": 6,', '"count" 6,', 9, "terms.count", 'a ":" must follow the field name'),
        ('"count": 6,', "count: 6,", 9, "terms", "a field name in double quotes must follow"),
        ('"count": 6,', '"count": ,', 9, "terms.count", "a value is missing"),
        ('"count": 6,', '"count": NaN,', 9, "terms.count", "NaN is no JSON value"),
        ('"count": 6,', '"count": 06,', 9, "terms.count", "06 is no JSON value"),
        ('"count": 6,', '"count": 6, "count": 7,', 9, "terms.count", "stands twice"),
        ('"of": 1}\n  ]\n}\n', '"of": 1}\n  ]\n', 32, "facts", 'a "," or the closing "}" must follow'),
        ('"of": 1}\n  ]\n}\n', '"of": 1}\n}\n', 31, "facts[2]", 'a "," or the closing "]" must follow'),
        ('"of": 1}\n  ]\n}\n', '"of": 1}\n  ]\n} 5', 32, "", "nothing may follow the end of the object"),
        ('"Sofa"', '"So\tfa"', 3, "name", "the text has no proper end, or a sign that JSON does not allow"),
        ('"Sofa"', '"Sofa', 3, "name", "the text has no proper end, or a sign that JSON does not allow"),
        # names
        (
            '"annual_rate": "18%"',
            '"anual_rate": "18%"',
            8,
            "terms.anual_rate",
            'is not a known field; did you mean "annual_rate"?',
        ),
        ('"grace_days": 3', '"gracious": 3', 13, "terms.penalty.gracious", "is not a known field"),
        ('"count": 6,', "", 4, "terms.count", "is missing"),
        ('"currency": "CNY",', "", 4, "terms.currency", "is missing"),
        ('"version": 1,', "", 1, "version", "is missing; this is version 1 of the form"),
        ('"version": 1,', '"version": 2,', 2, "version", "only 1 is known here"),
        ('"kind": "reversal", ', "", 30, "facts[2].kind", "is missing"),
        ('"bill": 2,', "", 20, "facts[1].bill", "is missing"),
        (
            '"amount": "1055.92"',
            '"amonut": "1055.92"',
            19,
            "facts[0].amonut",
            'is not a known field; did you mean "amount"?',
        ),
        # values
        (
            '"currency": "CNY"',
            '"currency": "yuan"',
            5,
            "terms.currency",
            'must be three capital letters, such as "CNY"',
        ),
        ('"6000.00"', '"6000.005"', 6, "terms.principal", "more decimals than CNY has: 2"),
        ('"6000.00"', '"NaN"', 6, "terms.principal", AMOUNT),
        ('"6000.00"', '"€6000"', 6, "terms.principal", AMOUNT),
        ('"6000.00"', "6e3", 6, "terms.principal", AMOUNT),
        ('"6000.00"', '"-1"', 6, "terms.principal", "must not be below zero"),
        ('"6000.00"', '"0"', 6, "terms.principal", "must be above zero"),
        ('"6000.00"', "9" * 500, 6, "terms.principal", "is too large to be real"),
        ('"6000.00"', '"100000000000.01"', 6, "terms.principal", "is too large to be real"),
        ('"6000.00"', "[6000]", 6, "terms.principal", AMOUNT),
        ('"2026-01-05"', '"2026-02-30"', 7, "terms.disbursed_on", "there is no such day"),
        ('"2026-01-05"', '"5 January"', 7, "terms.disbursed_on", 'must be a day such as "2026-03-31"'),
        ('"2026-01-05"', '"1926-01-05"', 7, "terms.disbursed_on", "must be from 1970-01-01 to 2200-01-01"),
        ('"2026-01-05"', '"2026-03-05"', 10, "terms.first_due_on", "is before the loan is paid out (disbursed_on)"),
        ('"18%"', '"eighteen"', 8, "terms.annual_rate", 'must be a number such as "12.5%" or "0.125"'),
        ('"18%"', '"1e9%"', 8, "terms.annual_rate", 'must be a number such as "12.5%" or "0.125"'),
        ('"18%"', '"-18%"', 8, "terms.annual_rate", "must not be below zero"),
        ('"18%"', "18", 8, "terms.annual_rate", "must be from 0% to 1000%"),
        ('"count": 6', '"count": "6"', 9, "terms.count", WHOLE),
        ('"count": 6', '"count": 6.5', 9, "terms.count", WHOLE),
        ('"count": 6', '"count": true', 9, "terms.count", WHOLE),
        ('"count": 6', '"count": 601', 9, "terms.count", "must be from 1 to 600"),
        (
            '"count": 6',
            '"payment": "90.00", "count": 6',
            9,
            "terms.payment",
            "would never repay the loan; the least that does is 90.01",
        ),
        ('"grace_days": 3', '"grace_days": 400', 13, "terms.penalty.grace_days", "must be from 0 to 366"),
        ('"grace_days": 3', '"from_due": "yes"', 13, "terms.penalty.from_due", "must be true or false"),
        (
            '"interest", "principal"]',
            '"interests", "principal"]',
            16,
            "terms.order[2]",
            "must be one of penalty, fee, interest, principal",
        ),
        ('"kind": "reversal"', '"kind": "undo"', 30, "facts[2].kind", f"must be one of {', '.join(KINDS)}"),
        ('"Sofa"', "7", 3, "name", "must be text in double quotes"),
        ('"Sofa"', '"So\\nfa"', 3, "name", "must be one line of at most 200 characters"),
        ('"amount": "1055.92"', '"amount": "0.00"', 19, "facts[0].amount", "must be above zero"),
        ('"interest": "70.00"', '"interest": null', 27, "facts[1].parts.interest", AMOUNT),
        ('"count": 6', '"due_dates": "2026-02-10", "count": 6', 9, "terms.due_dates", 'must be a list in "[ ]"'),
        ('"count": 6', '"balloon": "6000.01", "count": 6', 9, "terms.balloon", "must be from 0.00 to 6000.00"),
        ('"count": 6', '"upfront_fee": "6000", "count": 6', 9, "terms.upfront_fee", "must be less than the principal"),
        ('"count": 6', '"unit": "year", "count": 600', 4, "terms.every", "is outside what a loan can have"),
        ('"bill": 2', '"bill": 0', 24, "facts[1].bill", "must be from 1 to 36600"),
        # links
        ('"id": 3,', '"id": 2,', 30, "facts[2].id", "another fact has the id 2"),
        ('"bill": 2', '"bill": 1201', 24, "facts[1].bill", "must be from 1 to 1200"),
        ('"of": 1', '"of": 9', 30, "facts[2].of", "there is no other fact with the id 9"),
        ('"of": 1', '"of": 3', 30, "facts[2].of", "there is no other fact with the id 3"),
        (
            '"kind": "reversal", "id": 3, "on": "2026-02-12", "of": 1',
            '"kind": "confirmation", "on": "2026-02-12", "of": 2',
            30,
            "facts[2].of",
            "fact 2 is no repayment",
        ),
        (
            '"kind": "repayment", "id": 1',
            '"kind": "repayment", "id": 4',
            30,
            "facts[2].of",
            "there is no other fact with the id 1",
        ),
    ],
)
def test_a_mistake_is_answered_by_its_line_and_field(old: str, new: str, line: int, field: str, message: str) -> None:
    assert wrong(old, new) == (line, field, message)


def test_a_reversal_undoes_what_came_before_it() -> None:
    text = FILE.replace('"id": 1,', '"id": 8,').replace('"of": 1', '"of": 8')
    with pytest.raises(LoanFileError, match=r"^line 30, facts\[2\].of: a reversal needs a higher id"):
        read_loan_file(text)


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        (b"", 1, "", "the file ends too soon"),
        (b"[]", 1, "", 'the file must be an object in "{ }"'),
        (b"{}", 1, "version", "is missing; this is version 1 of the form"),
        (b'{"version": 1}', 1, "terms", "is missing"),
        (b'{"version": 1,\n"terms": 5}', 2, "terms", 'this must be an object in "{ }"'),
        (b'{"version": 1,\n"x": "\xff"}', 2, "", "a sign that is not UTF-8; save the file as UTF-8"),
        (b"[" * 100_000, 1, "[0]" * 21, "is nested too deeply"),
    ],
)
def test_what_is_no_loan_file_is_said_to_be_none(text: bytes, line: int, field: str, message: str) -> None:
    with pytest.raises(LoanFileError) as found:
        read_loan_file(text)
    assert (found.value.line, found.value.field, found.value.message) == (line, field, message)


def test_what_may_be_nothing_may_be_null() -> None:
    assert read(PLAIN | {"payment": None, "anchor_day": None}) == LoanFile(loan())


def test_what_is_true_or_false_is_written_without_quotes() -> None:
    said = FILE.replace('"grace_days": 3', '"grace_days": 3, "from_due": false')
    assert read_loan_file(said).terms.penalty == replace(read_loan_file(FILE).terms.penalty, from_due=False)


def test_there_is_an_end_to_the_facts_of_one_loan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loan_file, "MOST_FACTS", 2)
    with pytest.raises(LoanFileError, match=r"^line 18, facts: more than 2 facts"):
        read_loan_file(FILE)


def test_facts_are_a_list_and_no_object() -> None:
    with pytest.raises(LoanFileError, match=r'^line 3, facts: must be a list in "\[ \]"'):
        read_loan_file('{"version": 1,\n"terms": ' + json.dumps(PLAIN) + ',\n"facts": {}}')


def test_terms_of_a_later_version_are_checked_where_they_stand() -> None:
    later = json.dumps(PLAIN | {"count": 0})
    fact = f'{{"kind": "terms", "on": "2026-03-01", "terms":\n{later}}}'
    text = '{"version": 1,\n"terms": ' + json.dumps(PLAIN) + ',\n"facts": [' + fact + "]}"
    with pytest.raises(LoanFileError, match=r"^line 4, facts\[0\].terms.count: must be from 1 to 600"):
        read_loan_file(text)
    with pytest.raises(LoanFileError, match=r"^line 4, facts\[0\].terms.currency: all of it is in CNY"):
        read_loan_file(text.replace(later, json.dumps(PLAIN | {"currency": "USD"})))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(FILE)), st.integers(0, 12), st.text('{}[]":,0-9.e+ \nnull', max_size=4))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(at: int, cut: int, put: str) -> None:
    line = 1
    try:
        read_loan_file(FILE[:at] + put + FILE[at + cut :])
    except LoanFileError as error:
        line = error.line
    assert 1 <= line <= FILE.count("\n") + put.count("\n") + 1


@pytest.mark.parametrize(
    "fact, path, said",
    [
        (
            {"kind": "pause", "on": "2026-03-10", "until": "2026-03-09"},
            "facts[0].until",
            "is before the day it holds from (on)",
        ),
        (
            {"kind": "drawdown", "on": "2201-01-01", "amount": "5"},
            "facts[0].on",
            "must be from 1970-01-01 to 2200-01-01",
        ),
        (
            {"kind": "coupon", "on": "2026-03-10", "takes_off": "share", "fraction": "150%"},
            "facts[0].fraction",
            "must be from 0% to 100%",
        ),
        ({"kind": "extension", "on": "2026-03-10", "bills": 0}, "facts[0].bills", "must be from 1 to 600"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_where_it_says_so(fact: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(LoanFileError) as refused:
        read(PLAIN, [fact])
    assert (refused.value.field, refused.value.message) == (path, said)
