"""When kinds of lenders debit, and whether they take a part: where the form about a mandate begins."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.loanmath.debits import DebitRule


@dataclass(frozen=True, slots=True)
class DebitPreset:
    """One lender's way of debiting, by name; `partial`: it takes what is there where there is too little."""

    code: str
    rule: DebitRule
    partial: bool = False


DEBIT_PRESETS = (
    # An installment lender of a phone maker's (loan-rules.md §2): two tries on the due day, then pay by hand.
    DebitPreset("due_day", DebitRule(retry_days=())),
    # What most lenders do: the two tries again on each of the five days after.
    DebitPreset("morning", DebitRule()),
    # Pay-later in a wallet: twice a day from the due day on for as long as the bill is overdue, source by source.
    DebitPreset("daily", DebitRule(windows=("11:30", "19:00"), retry_days=(), daily=True), partial=True),
    # An online bank's credit: either half of the day, and the next day once more.
    DebitPreset("halves", DebitRule(windows=("00:00-12:00", "17:00-21:00"), retry_days=(1,))),
    # A bank's credit card: takes whatever is there until midnight, the rest on the morning of the third day after.
    DebitPreset(
        "evening",
        DebitRule(windows=("17:00-24:00",), retry_days=(3,), retry_windows=("06:00-12:00",)),
        partial=True,
    ),
    # A shop's pay-later: several tries on the day before, then a message asks to pay by hand.
    DebitPreset("day_before", DebitRule(windows=("09:00", "14:00", "20:00"), retry_days=(), day_offset=-1)),
    # UPI AutoPay, which keeps out of the busy hours.
    DebitPreset("upi", DebitRule(windows=("00:00-10:00", "13:00-17:00", "21:30-24:00"), retry_days=())),
)
BY_CODE = {preset.code: preset for preset in DEBIT_PRESETS}


def preset_of(rule: DebitRule, partial: bool) -> DebitPreset | None:
    """The preset that says exactly this, a pause left out of account; None where none does."""
    plain = DebitRule(
        windows=rule.windows,
        day_offset=rule.day_offset,
        retry_days=rule.retry_days,
        daily=rule.daily,
        retry_windows=rule.retry_windows,
        tries_a_day=rule.tries_a_day,
    )
    return next((one for one in DEBIT_PRESETS if one.rule == plain and one.partial == partial), None)
