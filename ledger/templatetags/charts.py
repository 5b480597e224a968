"""How figures stand beside a chart's axis: whole units, no cents."""

from __future__ import annotations

from django import template

from ledger.loanmath.money import MINUS, currency_sign, exponent

register = template.Library()


@register.filter
def axis_money(minor: int, currency: str) -> str:
    """The amount in whole units: "¥50,000", "−¥3,000"."""
    return f"{MINUS if minor < 0 else ''}{currency_sign(currency)}{abs(minor) // 10 ** exponent(currency):,}"
