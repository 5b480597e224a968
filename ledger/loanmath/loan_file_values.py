"""The single values of a loan file: amounts, rates, days, counts and words, read with a reason where they are wrong."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ledger.loanmath.checks import FIRST_DAY, LAST_DAY, LONGEST_DAYS, MOST_BILLS
from ledger.loanmath.money import AmountError, decimal_text, exponent, parse_amount
from ledger.loanmath.placed_json import Number

LONGEST_TEXT = 200
# Whole numbers that count something; every other whole number of terms and facts is an amount of money.
COUNTS = frozenset(
    [
        "count",
        "every",
        "anchor_day",
        "principal_grace",
        "interest_grace",
        "first_due_gap",
        "interest_free_days",
        "year_days",
        "grace_days",
        "until_months",
        "free_after_months",
        "lock_in_months",
        "notice_days",
        "every_months",
        "id",
        "of",
        "bill",
        "bills",
    ]
)
FROM_ONE = frozenset(("id", "of", "bill", "bills", "every_months"))
MOST = {"id": 10**15, "of": 10**15, "bills": MOST_BILLS}
RATES = frozenset(
    [
        "annual_rate",
        "fraction",
        "late_fee_share",
        "cap_share",
        "minimum_share",
        "unbilled_fee_share",
        "bill_fee_rate",
        "spread",
    ]
)
BELOW_ZERO = frozenset(("spread",))

_AMOUNT = re.compile(r"[-+]?[\d,.]+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LONGEST_NUMBER = 80


class WrongValue(ValueError):  # noqa: N818 a finding about the file, not a fault
    """Why a value is not what belongs in its place."""


def read_bool(said: Any) -> bool:
    """True or False, as JSON says them. Raises WrongValue, as all of these do; none makes one value of another."""
    if not isinstance(said, bool):
        raise WrongValue("must be true or false")
    return said


def read_text(said: Any) -> str:
    """One line of at most `LONGEST_TEXT` printable characters; a number is no text."""
    if not isinstance(said, str) or isinstance(said, Number):
        raise WrongValue("must be text in double quotes")
    if len(said) > LONGEST_TEXT or not all(sign.isprintable() for sign in said):
        raise WrongValue(f"must be one line of at most {LONGEST_TEXT} characters")
    return said


def read_day(said: Any) -> date:
    """An ISO date from `FIRST_DAY` to `LAST_DAY`, both included."""
    if not isinstance(said, str) or not _DAY.fullmatch(said):
        raise WrongValue('must be a day such as "2026-03-31"')
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise WrongValue("there is no such day") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise WrongValue(f"must be from {FIRST_DAY} to {LAST_DAY}")
    return day


def read_member(hint: type[StrEnum], said: Any) -> StrEnum:
    """One of the values of the enumeration `hint`."""
    if not isinstance(said, str) or said not in [member.value for member in hint]:
        raise WrongValue(f"must be one of {', '.join(hint)}")
    return hint(said)


def read_count(said: Any, name: str) -> int:
    """A whole number without quotes, for the field `name` in `COUNTS`: from zero, or one where it is in `FROM_ONE`, up
    to what `MOST` says of it, else `LONGEST_DAYS`."""
    least, most = int(name in FROM_ONE), MOST.get(name, LONGEST_DAYS)
    if not isinstance(said, Number) or not said.isdecimal() or len(said) > LONGEST_NUMBER:
        raise WrongValue("must be a whole number, without quotes")
    if not least <= int(said) <= most:
        raise WrongValue(f"must be from {least} to {most}")
    return int(said)


def read_amount(said: Any, currency: str) -> int:
    """Decimal text as minor units of `currency`, not below zero; commas may part thousands, and there are no more
    decimals than the currency has."""
    if not isinstance(said, str) or not _AMOUNT.fullmatch(said):
        raise WrongValue('must be an amount such as "1055.92"')
    try:
        minor = parse_amount(said, currency)
    except AmountError as error:
        texts = {
            "decimals": f"more decimals than {currency} has: {exponent(currency)}",
            "too_large": "is too large to be real",
        }
        raise WrongValue(texts.get(error.code, 'must be an amount such as "1055.92"')) from None
    if minor < 0:
        raise WrongValue("must not be below zero")
    return minor


def read_decimal(said: Any, name: str) -> Decimal:
    """Decimal text as it is, or as a fraction where the field `name` is in `RATES` and it ends in "%"; exact, and not
    below zero but for fields in `BELOW_ZERO`."""
    is_rate = name in RATES
    example = '"12.5%" or "0.125"' if is_rate else '"0.5"'
    text = said if isinstance(said, str) else ""
    percent = is_rate and text.endswith("%")
    number = text[:-1].rstrip() if percent else text
    if not _DECIMAL.fullmatch(number) or len(number) > LONGEST_NUMBER:
        raise WrongValue(f"must be a number such as {example}")
    sign, digits, places = Decimal(number).as_tuple()
    assert isinstance(places, int)
    found = Decimal((sign, digits, places - 2 if percent else places))
    if found < 0 and name not in BELOW_ZERO:
        raise WrongValue("must not be below zero")
    return found


def percent_text(fraction: Decimal) -> str:
    """A fraction as a percent, exactly: 0.125 is "12.5%"."""
    sign, digits, places = fraction.as_tuple()
    assert isinstance(places, int)
    text = format(Decimal((sign, digits, places + 2)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def figure_text(figure: object, name: str, currency: str) -> str:
    """A limit of the field `name`, which may be a path, as the file would say it: a fraction as a percent, minor units
    as decimal text, anything else plainly."""
    last = name.rpartition(".")[2]
    if last in RATES:
        return percent_text(Decimal(str(figure)))
    if isinstance(figure, int) and last not in COUNTS:
        return decimal_text(figure, currency)
    return str(figure)
