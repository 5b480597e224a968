"""Money: whole minor units of a currency, the one rounding function, and the split that loses no cent."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class Rounding(StrEnum):
    """How a fraction of a minor unit becomes a whole one."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"
    NONE = "none"  # never rounded: figures are carried as fractions and rounded half up when shown


@dataclass(frozen=True, slots=True)
class Parts:
    """An amount by what it is for, each in whole minor units."""

    principal: int = 0
    interest: int = 0
    fee: int = 0
    penalty: int = 0

    @property
    def total(self) -> int:
        return self.principal + self.interest + self.fee + self.penalty

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            self.principal + other.principal,
            self.interest + other.interest,
            self.fee + other.fee,
            self.penalty + other.penalty,
        )

    def __sub__(self, other: Parts) -> Parts:
        return Parts(
            self.principal - other.principal,
            self.interest - other.interest,
            self.fee - other.fee,
            self.penalty - other.penalty,
        )


# Currencies whose minor unit is not a hundredth (ISO 4217).
_EXPONENTS = dict.fromkeys(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
LIMIT = 10**13  # the most minor units that are ordinary input


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit stands for: 2 for CNY, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """Whole minor units of one currency; adding another currency raises ValueError."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added.")


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The quotient as a whole number: half away from zero, to even, toward zero, or away from it. Exact: no digit
    is lost before the tie is judged. `denominator` > 0."""
    whole, rest = divmod(abs(numerator), denominator)
    twice = 2 * rest
    if rounding is Rounding.UP:
        whole += rest > 0
    elif rounding is Rounding.HALF_EVEN:
        whole += twice > denominator or (twice == denominator and whole % 2 == 1)
    elif rounding is not Rounding.DOWN:
        whole += twice >= denominator
    return whole if numerator >= 0 else -whole


def round_minor(value: Decimal | Fraction, rounding: Rounding = Rounding.HALF_UP) -> int:
    """`value` as a whole number, rounded as `round_ratio` does."""
    return round_ratio(*value.as_integer_ratio(), rounding)


def split(total: int, n: int, first: bool = False) -> list[int]:
    """`total` in `n` equal whole parts; the last (or the first) takes what is left over."""
    part = total // n
    parts = [part] * n
    parts[0 if first else -1] += total - part * n
    return parts


class AmountError(ValueError):
    """Text that is no amount of money; `code` says why: empty, invalid, decimals, too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_AMOUNT = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?")


def parse_amount(text: str, currency: str) -> int:
    """Minor units of an amount as people type it: "1,234.50", "1234.5", "１２３４", "¥ 12".

    Raises AmountError; never slow, however long the text.
    """
    if len(text) > 100:
        raise AmountError("too_large" if text.strip().isdigit() else "invalid")
    plain = unicodedata.normalize("NFKC", text).strip().strip("¥$€£").replace(" ", "").replace("_", "x")
    if not plain:
        raise AmountError("empty")
    if not _AMOUNT.fullmatch(plain) or not any(character.isdigit() for character in plain):
        raise AmountError("invalid")
    scaled = Fraction(plain.replace(",", "")) * Fraction(10) ** exponent(currency)
    if abs(scaled) > LIMIT:
        raise AmountError("too_large")
    if scaled.denominator != 1:
        raise AmountError("decimals")
    return scaled.numerator


def decimal_text(minor: int, currency: str) -> str:
    """An amount as plain text with the currency's decimals: 123450 CNY is "1234.50"."""
    places = exponent(currency)
    if not places:
        return str(minor)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


# How people read an amount: "¥1,743.59".

MINUS = "−"
NBSP = "\u00a0"
SIGNS = {
    "CNY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "JP¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "SGD": "S$",
    "AUD": "A$",
    "CAD": "C$",
    "NZD": "NZ$",
    "MXN": "MX$",
    "BRL": "R$",
    "KRW": "₩",
    "INR": "₹",
    "VND": "₫",
    "THB": "฿",
    "PHP": "₱",
    "RUB": "₽",
    "TRY": "₺",
    "UAH": "₴",
    "ILS": "₪",
    "NGN": "₦",
    "PLN": "zł" + NBSP,
}


def currency_sign(currency: str) -> str:
    """What stands before an amount: "¥" for CNY, else the code and a space that does not break."""
    return SIGNS.get(currency, f"{currency}{NBSP}")


def whole_and_minor(minor: int, currency: str) -> tuple[str, str]:
    """The absolute amount as ("1,743", ".59"); the second is empty where the currency has no minor unit."""
    places = exponent(currency)
    whole, rest = divmod(abs(minor), 10**places)
    return f"{whole:,}", f".{rest:0{places}d}" if places else ""


def said_amount(minor: int, currency: str) -> str:
    """An amount as it stands in a sentence: 174359 CNY is "¥1,743.59"."""
    return f"{MINUS if minor < 0 else ''}{currency_sign(currency)}{''.join(whole_and_minor(minor, currency))}"
