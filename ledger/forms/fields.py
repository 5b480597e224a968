"""Fields for what people type: amounts, percentages, days, currencies; and the form that writes only once."""

from __future__ import annotations

import re
import unicodedata
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.loanmath.money import AmountError, decimal_text, parse_amount
from ledger.services.refusal import Refusal

COMMON_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "JPY", "HKD", "TWD", "SGD", "AUD", "CAD", "INR", "KRW")
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS "
    "VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = tuple(_CODES.split())  # ISO 4217, those in use
FIRST_YEAR, LAST_YEAR = 1970, 2100
LONGEST_NUMBER = 40
PERCENT_DECIMALS = 8

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.ASCII)
_PERCENT = re.compile(r"([-+]?)(\d*)(?:\.(\d*))?%?", re.ASCII)
_KEY = re.compile(r"[0-9a-zA-Z-]{8,64}", re.ASCII)


class MoneyField(forms.Field):
    """An amount as people type it; cleans to whole minor units of `currency`, None if left empty.

    `least` is the smallest amount accepted, in minor units; None accepts any, below zero too.
    """

    default_error_messages = {
        "required": gettext_lazy("Enter an amount in figures, such as 1234.50."),
        "invalid": gettext_lazy("Enter an amount in figures, such as 1234.50."),
        "too_large": gettext_lazy("This amount is too large to be real. Check the number of digits."),
        "decimals_0": gettext_lazy("This currency has no decimals. Enter a whole amount."),
        "decimals": gettext_lazy("Enter at most %(places)s decimals."),
        "negative": gettext_lazy("Enter an amount without a minus sign."),
        "too_small": gettext_lazy("Enter an amount above zero."),
    }

    def __init__(self, *, currency: str = "CNY", least: int | None = 0, **options: Any) -> None:
        self.currency = currency
        self.least = least
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        return decimal_text(value, self.currency) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, int):
            return value
        text = unicodedata.normalize("NFKC", str(value)).strip() if value and len(str(value)) < 100 else value
        if not text:
            return None
        try:
            return parse_amount(text, self.currency)
        except AmountError as error:
            if error.code == "empty":
                return None
            raise self._error(error.code) from error

    def _error(self, code: str) -> ValidationError:
        places = len(decimal_text(0, self.currency).partition(".")[2])
        if code == "decimals" and not places:
            code = "decimals_0"
        message = self.error_messages.get(code, self.error_messages["invalid"])
        return ValidationError(message, code=code, params={"places": places})

    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is not None and self.least is not None and value < self.least:
            raise self._error("negative" if value < 0 else "too_small")


class PercentField(forms.Field):
    """A rate typed as a percentage ("12", "0.05 %", "１２％"); cleans to a `Decimal` fraction, None if left empty.

    `least` and `most` are fractions, both included.
    """

    default_error_messages = {
        "required": gettext_lazy("Enter a percentage in figures, such as 4.35."),
        "invalid": gettext_lazy("Enter a percentage in figures, such as 4.35."),
        "decimals": gettext_lazy("Enter at most 8 decimals."),
        "negative": gettext_lazy("Enter a rate of zero or more."),
        "too_large": gettext_lazy("Enter a rate of at most %(most)s%%."),
    }

    suffix = "%"

    def __init__(self, *, least: Decimal = Decimal(0), most: Decimal = Decimal(10), **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        return percent_text(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Decimal | None:
        if isinstance(value, Decimal):
            return value
        plain = unicodedata.normalize("NFKC", str(value or "")[: LONGEST_NUMBER + 1]).replace(" ", "")
        if not plain:
            return None
        found = _PERCENT.fullmatch(plain)
        if len(plain) > LONGEST_NUMBER or not found or not (found[2] or found[3]):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        if len((found[3] or "").rstrip("0")) > PERCENT_DECIMALS:
            raise ValidationError(self.error_messages["decimals"], code="decimals")
        return Decimal(f"{found[1]}{found[2] or 0}.{found[3] or 0}").normalize() / 100

    def validate(self, value: Decimal | None) -> None:
        super().validate(value)
        if value is None:
            return
        if value < self.least:
            raise ValidationError(self.error_messages["negative"], code="negative")
        if value > self.most:
            params = {"most": percent_text(self.most)}
            raise ValidationError(self.error_messages["too_large"], code="too_large", params=params)


def percent_text(fraction: Decimal) -> str:
    """A fraction as the percentage a person would type: 0.0435 is "4.35"."""
    return format((fraction * 100).normalize(), "f")


class DayField(forms.Field):
    """A day of the years 1970 to 2100: ISO from the browser, also 2026/3/1 and 2026年3月1日; cleans to a date."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {
        "required": gettext_lazy("Choose a day."),
        "invalid": gettext_lazy("Enter a day that exists, such as 2026-03-31."),
        "out_of_range": gettext_lazy("Enter a day between the years 1970 and 2100."),
    }

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, date):
            return value
        text = unicodedata.normalize("NFKC", str(value or "")[:LONGEST_NUMBER]).strip()
        if not text:
            return None
        found = _DAY.fullmatch(text)
        if not found:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        year, month, day = map(int, found.groups())
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValidationError(self.error_messages["out_of_range"], code="out_of_range")
        try:
            return date(year, month, day)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class CurrencyField(forms.ChoiceField):
    """An ISO 4217 code; the common ones come first."""

    default_error_messages = {"invalid_choice": gettext_lazy("Choose a currency from the list.")}

    def __init__(self, **options: Any) -> None:
        rest = [code for code in CURRENCIES if code not in COMMON_CURRENCIES]
        super().__init__(choices=[(code, code) for code in (*COMMON_CURRENCIES, *rest)], **options)


class KeyField(forms.CharField):
    """What makes sending a form idempotent. A form that comes back keeps its key, and gets one if it had none."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> str:
        return data if is_key(data) else new_key()

    def clean(self, value: Any) -> str:
        if not is_key(value):
            raise ValidationError(_("This form was not complete. Please check it and save again."), code="key")
        return str(value)


class SeenField(forms.IntegerField):
    """The version of the loan whose figures are on the page; a form that comes back carries the new one."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial

    def clean(self, value: Any) -> int | None:
        text = str(value or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def is_key(value: Any) -> bool:
    """Whether this may be a form's key. Keys made here ("auto:…", "answer:…", a loan's "…:1")
    never look like one."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def new_key() -> str:
    return uuid.uuid4().hex


class WritingForm(forms.Form):
    """A form that records something: `key` makes it count once, `seen` is the version of the figures shown (None
    where none are)."""

    key = KeyField()
    seen = SeenField(required=False)

    def __init__(self, *args: Any, version: int | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("key", new_key())
        self.initial["seen"] = version

    def refuse(self, refusal: Refusal) -> int:
        """Show a service's refusal at its field; the status to answer with. After "key_conflict" the form carries a
        new key, so that sending it again means it."""
        field = refusal.field if refusal.field in self.fields else None
        self.add_error(field, refusal.message)
        if refusal.code == "key_conflict":
            self.data = {**{name: self.data[name] for name in self.data}, self.add_prefix("key"): new_key()}
        return 409 if refusal.code in {"key_conflict", "stale"} else 422
