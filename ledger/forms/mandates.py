"""The form about auto-repay: what it covers, which accounts are debited, how much and when; and pausing it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ledger.forms.accounts import AccountChoice
from ledger.forms.fields import DayField, MoneyField, WritingForm
from ledger.loanmath.debit_presets import BY_CODE, preset_of
from ledger.loanmath.debiting import AmountMode, DebitLimits
from ledger.loanmath.debits import DebitRule
from ledger.models import AutoRepayMandate, CreditLine, FundingAccount, Lender, Loan
from ledger.models.autorepay import MODES
from ledger.services.mandates import DEFAULT, MOST_SOURCES, Wishes
from ledger.services.refusal import Refusal

OWN = "own"
LOAN, LINE, LENDER = "loan", "line", "lender"
PRESETS = [
    ("morning", _("At 09:30 and 15:30, and again on the five days after (most lenders)")),
    ("due_day", _("At 09:30 and 15:30 on the due day only (installment apps)")),
    ("daily", _("At 11:30 and 19:00, and daily while overdue; takes a part if need be (pay-later in a wallet)")),
    ("halves", _("00:00–12:00 and 17:00–21:00, and the next day again (online banks)")),
    ("evening", _("17:00–24:00, takes what is there; the rest on the third morning after (bank credit cards)")),
    ("day_before", _("The day before the due day, several tries (shops’ pay-later)")),
    ("upi", _("Before 10:00, 13:00–17:00 and after 21:30 (UPI AutoPay)")),
    (OWN, _("At other times")),
]
FIRST_PRESET = "morning"
HOW_MUCH = [(value, capfirst(label)) for value, label in MODES]
LONGEST_TIMES = 100
ROWS = 3  # accounts asked for at first
ROWS_MORE = 2
CHOOSE = _("Choose one of your accounts.")


class MandateForm(WritingForm):
    """What a lender may debit. Choosing a way of debiting says all about its times and whether it takes a part; the
    fields from `own_windows` to `partial` only count with "own"."""

    MORE_FIELDS = ("cap", "started_on", "expires_on", "trust_days", "ask_after", "priority")

    scope = forms.ChoiceField(label=_("What it covers"), required=False, widget=forms.RadioSelect)
    account = AccountChoice(
        label=_("Account"),
        queryset=FundingAccount.objects.none(),
        empty_label=None,
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    mode = forms.ChoiceField(label=_("How much is debited"), required=False, choices=HOW_MUCH, widget=forms.RadioSelect)
    fixed_amount = MoneyField(label=_("Fixed amount"), required=False, least=1)
    preset = forms.ChoiceField(
        label=_("When the lender debits"),
        widget=forms.RadioSelect,
        choices=PRESETS,
        help_text=_("In your household’s time zone. The lender’s notice or app names its times."),
    )
    own_windows = forms.CharField(
        label=_("Times on the day"),
        required=False,
        max_length=LONGEST_TIMES,
        help_text=_("Put commas between them; write a span as 17:00-24:00."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "08:00, 20:00"}),
    )
    day_offset = forms.TypedChoiceField(
        label=_("Day of the debit"),
        required=False,
        coerce=int,
        choices=[("0", _("the due day")), ("-1", _("the day before"))],
    )
    retry_days = forms.CharField(
        label=_("Again on these days after"),
        required=False,
        max_length=LONGEST_TIMES,
        help_text=_("Such as 1, 2, 3. Empty: no more tries."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text"}),
    )
    retry_windows = forms.CharField(
        label=_("Times on those days"),
        required=False,
        max_length=LONGEST_TIMES,
        help_text=_("Empty: the same times."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    daily = forms.BooleanField(label=_("Every day while overdue"), required=False)
    tries_a_day = forms.IntegerField(
        label=_("Most tries a day"),
        required=False,
        min_value=0,
        max_value=24,
        help_text=_("Empty: at all of its times."),
    )
    partial = forms.BooleanField(label=_("Takes a part where there is too little"), required=False)
    cap = MoneyField(
        label=_("Limit for one debit"),
        required=False,
        least=1,
        help_text=_("Empty: no limit. A bill above it is not debited, unless a part may be taken."),
    )
    started_on = DayField(label=_("For bills payable from"), required=False, help_text=_("Empty: from today."))
    expires_on = DayField(label=_("Last day"), required=False, help_text=_("Empty: until you end it."))
    trust_days = forms.IntegerField(
        label=_("Days until a presumed debit is believed"),
        required=False,
        min_value=0,
        max_value=365,
        help_text=_("Empty: I am always asked."),
    )
    ask_after = forms.IntegerField(
        label=_("Failures in a row until I am asked"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=_("0: never."),
    )
    priority = forms.IntegerField(
        label=_("Order"),
        required=False,
        min_value=0,
        max_value=100,
        help_text=_("Where two bills are debited together and neither is more urgent, the smaller number comes first."),
    )

    def __init__(
        self,
        *args: Any,
        loan: Loan,
        accounts: QuerySet[FundingAccount],
        rows: int = ROWS,
        scopes: list[tuple[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.loan = loan
        self.fields["scope"].choices = scopes or scopes_of(loan)  # type: ignore[attr-defined]
        for name in ("fixed_amount", "cap"):
            self.fields[name].currency = loan.currency  # type: ignore[attr-defined]
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        for number in range(2, rows + 1):
            label = _("If that is short") if number == 2 else _("And if that is short too")
            self.fields[row_name(number)] = AccountChoice(
                label=label,
                queryset=accounts,
                required=False,
                empty_label=_("no other account"),
                error_messages={"invalid_choice": CHOOSE},
            )

    @property
    def source_rows(self) -> list[Any]:
        """The fields that name accounts, in their order."""
        return [self[name] for name in self.fields if name == "account" or name.startswith("account_")]

    @property
    def can_grow(self) -> bool:
        """Whether there are accounts that no row asks for yet."""
        accounts: int = self.fields["account"].queryset.count()  # type: ignore[attr-defined]
        return len(self.source_rows) < min(accounts, MOST_SOURCES)

    @property
    def more_has_errors(self) -> bool:
        return any(name in self.errors for name in self.MORE_FIELDS)

    def clean_retry_days(self) -> tuple[int, ...]:
        parts = _parts(self.cleaned_data["retry_days"])
        if not all(re.fullmatch(r"[0-9]{1,3}", part) for part in parts):
            raise forms.ValidationError(_("Enter days after the due day, such as 1, 2, 3."))
        return tuple(int(part) for part in parts)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        is_fixed = said.get("mode") == AmountMode.FIXED
        if is_fixed and said.get("fixed_amount") is None and "fixed_amount" not in self.errors:
            self.add_error("fixed_amount", _("Enter the amount that is debited each time."))
        return said

    def sources(self) -> list[FundingAccount]:
        """The accounts chosen, in their order."""
        chosen = [self.cleaned_data.get(bound.name) for bound in self.source_rows]
        return [account for account in chosen if account is not None]

    def covered(self) -> Loan | CreditLine | Lender:
        """What the mandate is to cover."""
        wanted = self.cleaned_data["scope"] or LOAN
        if wanted == LINE and self.loan.credit_line is not None:
            return self.loan.credit_line
        return self.loan.lender if wanted == LENDER else self.loan

    def wishes(self) -> Wishes:
        """What was chosen, as the service takes it; times are checked there."""
        said = self.cleaned_data
        preset = BY_CODE.get(said["preset"])
        mode = AmountMode(said["mode"] or AmountMode.BILL)
        return Wishes(
            rule=preset.rule if preset else self._own_rule(),
            mode=mode,
            fixed_amount=said["fixed_amount"] if mode is AmountMode.FIXED else None,
            limits=DebitLimits(said["cap"], preset.partial if preset else said["partial"]),
            priority=said["priority"] or 0,
            trust_days=said["trust_days"],
            ask_after=DEFAULT.ask_after if said["ask_after"] is None else said["ask_after"],
            started_on=said["started_on"],
            expires_on=said["expires_on"],
        )

    def _own_rule(self) -> DebitRule:
        said = self.cleaned_data
        return DebitRule(
            windows=tuple(_times(said["own_windows"])),
            day_offset=said["day_offset"] or 0,
            retry_days=said["retry_days"],
            daily=said["daily"],
            retry_windows=tuple(_times(said["retry_windows"])),
            tries_a_day=said["tries_a_day"] or 0,
        )

    def refuse(self, refusal: Refusal) -> int:
        if refusal.field == "windows":
            refusal = Refusal(refusal.code, refusal.message, "own_windows")
        return super().refuse(refusal)


class PauseForm(forms.Form):
    """From today until a day, or until somebody resumes it."""

    resumes_on = DayField(label=_("Debits begin again on"), required=False, help_text=_("Empty: when you resume it."))


def scopes_of(loan: Loan) -> list[tuple[str, Any]]:
    """What a mandate that begins at this loan can cover, in words."""
    found: list[tuple[str, Any]] = [(LOAN, _("This loan only"))]
    if loan.credit_line is not None:
        found.append((LINE, _("All draws on %(line)s") % {"line": loan.credit_line}))
    found.append(
        (
            LENDER,
            _("All loans from %(lender)s in %(currency)s, including those to come")
            % {"lender": loan.lender, "currency": loan.currency},
        )
    )
    return found


def row_name(number: int) -> str:
    return "account" if number == 1 else f"account_{number}"


def rows_asked(data: Any, accounts: int, chosen: int = 0) -> int:
    """How many accounts to ask for: as many as came with `data` and two more where it asks for `more`, one beyond
    those `chosen`; no more than there are."""
    if data is None:
        rows = max(ROWS, chosen + 1)
    else:
        sent = sum(1 for number in range(1, MOST_SOURCES + 1) if row_name(number) in data)
        rows = max(ROWS, sent) + (ROWS_MORE if "more" in data else 0)
    return max(1, min(rows, accounts, MOST_SOURCES))


def start_of(mandate: AutoRepayMandate | None, accounts: list[FundingAccount]) -> dict[str, Any]:
    """What the form shows at first: what is in force, else what most lenders do."""
    rule = mandate.rule if mandate else BY_CODE[FIRST_PRESET].rule
    partial = mandate.partial if mandate else False
    preset = preset_of(rule, partial)
    start: dict[str, Any] = {
        "scope": scope_code(mandate),
        "mode": mandate.mode if mandate else AmountMode.BILL.value,
        "preset": preset.code if preset else OWN,
        "own_windows": ", ".join(rule.windows),
        "day_offset": str(rule.day_offset),
        "retry_days": ", ".join(map(str, rule.retry_days)),
        "retry_windows": ", ".join(rule.retry_windows),
        "daily": rule.daily,
        "tries_a_day": rule.tries_a_day or None,
        "partial": partial,
        "ask_after": mandate.ask_after if mandate else DEFAULT.ask_after,
        "priority": mandate.priority if mandate else DEFAULT.priority,
    }
    if mandate is not None:
        for name in ("fixed_amount", "cap", "started_on", "expires_on", "trust_days"):
            start[name] = getattr(mandate, name)
    return start | {row_name(number): account.pk for number, account in enumerate(accounts, start=1)}


def scope_code(mandate: AutoRepayMandate | None) -> str:
    """The choice of `scope` that a mandate is."""
    if mandate is None or mandate.loan_id is not None:
        return LOAN
    return LINE if mandate.credit_line_id is not None else LENDER


def _times(typed: str) -> list[str]:
    """The times or spans that were typed, not yet checked: the service says what is wrong with them."""
    return _parts(re.sub(r"\s*[-–—~～至]\s*", "-", unicodedata.normalize("NFKC", typed)))


def _parts(typed: str) -> list[str]:
    return [part for part in re.split(r"[,;、\s]+", unicodedata.normalize("NFKC", typed)) if part]
