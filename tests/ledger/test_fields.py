"""What people type into forms: amounts, percentages, days, currencies, and the key that makes a form count once."""

from datetime import date
from decimal import Decimal

import pytest
from django import forms
from django.http import QueryDict

from ledger.forms.fields import CurrencyField, DayField, MoneyField, PercentField, WritingForm
from ledger.services.refusal import Refusal


class Paper(WritingForm):
    amount = MoneyField(currency="CNY", least=1)


def said(field: forms.Field, text: object) -> object:
    """What the field makes of `text`: its value, or the code of its refusal."""
    try:
        return field.clean(text)
    except forms.ValidationError as error:
        return error.code


@pytest.mark.parametrize(
    "text, minor",
    [
        ("1234.5", 123_450),
        ("1,234.50", 123_450),
        (" ¥ 1 234.50 ", 123_450),
        ("１２３４．５", 123_450),
        (".5", 50),
        ("0", 0),
        ("100000000000", 10**13),
    ],
)
def test_amounts_are_read_as_people_type_them(text, minor):
    assert said(MoneyField(currency="CNY"), text) == minor


@pytest.mark.parametrize(
    "text, code",
    [
        ("", "required"),
        ("-5", "negative"),
        ("NaN", "invalid"),
        ("Infinity", "invalid"),
        ("1e9", "invalid"),
        ("twelve", "invalid"),
        ("1.234", "decimals"),
        ("9" * 5000, "too_large"),
        ("x" * 5000, "invalid"),
        ("100000000000.01", "too_large"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(text, code):
    assert said(MoneyField(currency="CNY"), text) == code


def test_zero_is_refused_where_an_amount_must_be_above_it():
    assert said(MoneyField(currency="CNY", least=1), "0") == "too_small"


def test_a_balance_may_be_below_zero_where_the_field_says_so():
    assert said(MoneyField(currency="CNY", least=None), "-12.30") == -1230


def test_a_currency_without_decimals_takes_whole_amounts_only():
    field = MoneyField(currency="JPY")
    assert (said(field, "1200"), said(field, "1200.5")) == (1200, "decimals_0")
    with pytest.raises(forms.ValidationError, match="no decimals"):
        field.clean("0.5")


def test_an_initial_amount_is_shown_with_the_currencys_decimals():
    assert MoneyField(currency="KWD").prepare_value(1_234_500) == "1234.500"


def test_an_empty_amount_is_none_where_it_is_optional():
    assert said(MoneyField(required=False), " ") is None


@pytest.mark.parametrize(
    "text, fraction",
    [
        ("12", Decimal("0.12")),
        ("4.35 %", Decimal("0.0435")),
        ("１２％", Decimal("0.12")),
        ("0", Decimal(0)),
        (".05", Decimal("0.0005")),
        ("1000", Decimal(10)),
        ("0.00000001", Decimal("1E-10")),
    ],
)
def test_rates_are_typed_as_percentages_and_kept_as_fractions(text, fraction):
    assert said(PercentField(), text) == fraction


@pytest.mark.parametrize(
    "text, code",
    [
        ("-1", "negative"),
        ("NaN", "invalid"),
        ("1e3", "invalid"),
        (".", "invalid"),
        ("1000.1", "too_large"),
        ("9" * 5000, "invalid"),
        ("0.000000001", "decimals"),
        ("", "required"),
    ],
)
def test_what_is_no_rate_is_refused_with_its_reason(text, code):
    assert said(PercentField(), text) == code


def test_an_initial_rate_is_shown_as_a_percentage():
    assert PercentField().prepare_value(Decimal("0.0435")) == "4.35"


@pytest.mark.parametrize("text", ["2026-03-01", "2026/3/1", "2026年3月1日", " 2026.03.01 ", "２０２６-3-1"])
def test_days_are_read_in_the_forms_people_write(text):
    assert said(DayField(), text) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "text, code",
    [
        ("2026-02-30", "invalid"),
        ("9999-01-01", "out_of_range"),
        ("1969-12-31", "out_of_range"),
        ("tomorrow", "invalid"),
        ("1" * 5000, "invalid"),
        ("", "required"),
    ],
)
def test_what_is_no_day_is_refused_with_its_reason(text, code):
    assert said(DayField(), text) == code


def test_an_unknown_currency_is_refused():
    assert (said(CurrencyField(), "KWD"), said(CurrencyField(), "XYZ")) == ("KWD", "invalid_choice")


def test_a_form_that_comes_back_keeps_its_key_and_carries_the_new_version():
    form = Paper(QueryDict("key=0123456789abcdef&seen=3&amount=x"), version=4)
    assert not form.is_valid()
    assert form["key"].value() == "0123456789abcdef"
    assert form["seen"].value() == 4


def test_what_the_sender_saw_is_what_counts():
    form = Paper(QueryDict("key=0123456789abcdef&seen=3&amount=5"), version=4)
    assert form.is_valid()
    assert form.cleaned_data == {"key": "0123456789abcdef", "seen": 3, "amount": 500}


def test_a_form_sent_without_a_key_is_refused_and_comes_back_with_one():
    form = Paper(QueryDict("amount=5"))
    assert not form.is_valid()
    assert len(form["key"].value()) == 32


def test_a_key_used_for_something_else_is_replaced():
    form = Paper(QueryDict("key=0123456789abcdef&amount=5"))
    assert form.is_valid()
    assert form.refuse(Refusal("key_conflict", "Used already.")) == 409
    assert form["key"].value() != "0123456789abcdef"
    assert form["amount"].value() == "5"
    assert form.non_field_errors() == ["Used already."]


def test_a_refusal_is_shown_at_its_field():
    form = Paper(QueryDict("key=0123456789abcdef&amount=5"))
    assert form.is_valid()
    assert form.refuse(Refusal("above_payoff", "Too much.", "amount")) == 422
    assert form.errors == {"amount": ["Too much."]}
