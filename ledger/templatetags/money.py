"""How money, rates and shares are shown: `{{ minor|money:currency }}`, `{{ rate|percent }}`."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.loanmath.money import MINUS, currency_sign, said_amount, whole_and_minor

register = template.Library()

NO_AMOUNT = "—"
register.filter("currency_sign", currency_sign)


@register.filter
def money(minor: int | None, currency: str) -> SafeString:
    """An amount in minor units as HTML, its sign and minor units set back; None is shown as a dash."""
    if minor is None:
        return format_html('<span class="money money-none">{}</span>', NO_AMOUNT)
    whole, cents = whole_and_minor(minor, currency)
    tail = f'<span class="money-minor">{cents}</span>' if cents else ""
    sign = f'<span class="money-sign">{escape(currency_sign(currency))}</span>'
    return SafeString(f'<span class="money">{MINUS if minor < 0 else ""}{sign}{whole}{tail}</span>')


@register.filter
def money_text(minor: int | None, currency: str) -> str:
    """The same amount as plain text, for mails, titles and attributes."""
    return NO_AMOUNT if minor is None else said_amount(minor, currency)


@register.filter
def amount(minor: int | None, currency: str) -> str:
    """The amount without its currency sign, for table columns whose head names the currency."""
    if minor is None:
        return NO_AMOUNT
    return f"{MINUS if minor < 0 else ''}{''.join(whole_and_minor(minor, currency))}"


@register.filter
def percent(fraction: Decimal | None, places: int = 2) -> str:
    """A fraction as a percentage of at most `places` decimals, half up: 0.1303 is "13.03%", 0.12 is "12%"."""
    if fraction is None:
        return NO_AMOUNT
    step = Decimal(1).scaleb(-places)
    shown = (Decimal(fraction) * 100).quantize(step, rounding=ROUND_HALF_UP)
    text = f"{abs(shown):,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if shown < 0 else ''}{text}%"
