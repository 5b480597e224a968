"""What cannot be in an agreement, in words that say what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from ledger.loanmath.checks import Problem
from ledger.loanmath.money import said_amount
from ledger.loanmath.schedule import NeverAmortizes


def problem_text(problem: Problem | NeverAmortizes, currency: str) -> str:
    """The words for one problem; amounts in `currency`."""
    if isinstance(problem, NeverAmortizes):
        problem = Problem("payment", "never_amortizes", {"minimum_payment": problem.minimum_payment})
    texts: dict[str, Any] = {
        "not_positive": _("Enter an amount above zero."),
        "too_large": _("This amount is too large to be real. Check the number of digits."),
        "negative": _("Enter an amount without a minus sign."),
        "above_principal": _("The fee must be less than the amount borrowed."),
        "before_disbursement": _("The first bill cannot be due before the loan is paid out."),
        "too_late": _("The first bill is more than five years after the loan is paid out. Check both days."),
        "not_last": _("The last bill must be due after all the others."),
        "not_ascending": _("The rows must run from the earliest day to the latest, none before the loan is paid out."),
        "not_listed": _("The table has %(listed)s rows. Enter that number of bills."),
        "principal_differs": _("The principal in the rows does not add up to the amount borrowed."),
        "below_floor": _("The most must not be less than the least."),
        "months_not_ascending": _("The months must rise from one row to the next, from 1 to %(most)s."),
        "out_of_range": _("This is outside what a loan can have. Check the figure."),
        "never_amortizes": _(
            "With this payment the loan would never be repaid: the interest is higher. It takes at least %(amount)s."
        ),
    }
    ranges: dict[str, Any] = {
        "count": _("Enter a whole number from 1 to 600."),
        "annual_rate": _("Enter a rate of at most 1000% a year."),
        "penalty.annual_rate": _("Enter a penalty of at most 1000% a year."),
        "anchor_day": _("Enter a day from 1 to 31."),
        "penalty.grace_days": _("Enter a number of days from 0 to 366."),
        "penalty.late_fee_share": _("Enter a share from 0% to 100%."),
        "penalty.cap_share": _("Enter a share from 0% to 1000%."),
        "minimum_share": _("Enter a share from 0% to 100%."),
        "unbilled_fee_share": _("Enter a share from 0% to 100%."),
        "prepayment_fee.fraction": _("Enter a share from 0% to 100%."),
        "prepayment_fee.tiers": _("Enter a share from 0% to 100%."),
        "prepayment_fee.months_of_interest": _("Enter a number of months from 0 to 120."),
        "prepayment_fee.free_after_months": _("Enter a number of months from 0 to 1200."),
        "prepayment_fee.lock_in_months": _("Enter a number of months from 0 to 1200."),
        "prepayment_fee.notice_days": _("Enter a number of days from 0 to 366."),
    }
    text = ranges.get(problem.field) if problem.code == "out_of_range" else None
    if text is not None:
        return str(text)
    params = dict(problem.params)
    if "minimum_payment" in params:
        params["amount"] = said_amount(params["minimum_payment"], currency)
    return str(texts.get(problem.code, texts["out_of_range"]) % params)
