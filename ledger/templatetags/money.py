"""How money, rates and shares are shown: `{{ minor|money:currency }}`, `{{ rate|percent }}`."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.loanmath.money import exponent

register = template.Library()

MINUS = "−"
NO_AMOUNT = "—"
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


@register.filter
def currency_sign(currency: str) -> str:
    """What stands before an amount: "¥" for CNY, else the code and a space that does not break."""
    return SIGNS.get(currency, f"{currency}{NBSP}")


def _whole_and_minor(minor: int, currency: str) -> tuple[str, str]:
    """The absolute amount as ("1,743", ".59"); the second is empty where the currency has no minor unit."""
    places = exponent(currency)
    whole, rest = divmod(abs(minor), 10**places)
    return f"{whole:,}", f".{rest:0{places}d}" if places else ""


@register.filter
def money(minor: int | None, currency: str) -> SafeString:
    """An amount in minor units as HTML, its sign and minor units set back; None is shown as a dash."""
    if minor is None:
        return format_html('<span class="money money-none">{}</span>', NO_AMOUNT)
    whole, cents = _whole_and_minor(minor, currency)
    sign = format_html('<span class="money-sign">{}</span>', currency_sign(currency))
    tail = format_html('<span class="money-minor">{}</span>', cents) if cents else ""
    return format_html('<span class="money">{}{}{}{}</span>', MINUS if minor < 0 else "", sign, whole, tail)


@register.filter
def money_text(minor: int | None, currency: str) -> str:
    """The same amount as plain text, for mails, titles and attributes."""
    if minor is None:
        return NO_AMOUNT
    return f"{MINUS if minor < 0 else ''}{currency_sign(currency)}{''.join(_whole_and_minor(minor, currency))}"


@register.filter
def amount(minor: int | None, currency: str) -> str:
    """The amount without its currency sign, for table columns whose head names the currency."""
    if minor is None:
        return NO_AMOUNT
    return f"{MINUS if minor < 0 else ''}{''.join(_whole_and_minor(minor, currency))}"


@register.filter
def percent(fraction: Decimal | None, places: int = 2) -> str:
    """A fraction as a percentage of at most `places` decimals, half up: 0.1303 is "13.03 %", 0.12 is "12 %"."""
    if fraction is None:
        return NO_AMOUNT
    step = Decimal(1).scaleb(-places)
    shown = (Decimal(fraction) * 100).quantize(step, rounding=ROUND_HALF_UP)
    text = f"{abs(shown):,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if shown < 0 else ''}{text}{NBSP}%"
