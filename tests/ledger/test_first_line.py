"""The overview's first sentence in both languages, for each way things can stand."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils.translation import gettext, override

from ledger.loanmath.first_line import FirstLine
from ledger.selectors.overview import Headline, PresumedDebit

TODAY, SOON = date(2026, 12, 7), date(2026, 12, 10)
PAID_OFF = "Every loan is paid off: nothing is left to pay."
QUIET = "Nothing is overdue, and no bill comes up in the next 30 days."
DEBIT = PresumedDebit(7, 3, "Laptop", "Xiaomi", "CNY", 174_359, date(2026, 12, 5))


def head(line: FirstLine, **more: object) -> Headline:
    values = {"amount": 174_359, "currency": "CNY", "lender": "Xiaomi", "payable_on": SOON, "count": 1, "a_day": 0}
    return Headline(line=line, **(values | {"missing": 0, "account": "招行 ••1234"} | more))  # type: ignore[arg-type]


def said(language: str, headline: Headline | None, quiet: FirstLine = FirstLine.NOTHING_DUE) -> str:
    """The words of the first sentence."""
    shown = SimpleNamespace(headlines=[headline] if headline else [], quiet=quiet, to_confirm=[DEBIT], late=[], next=[])
    with override(language):
        html = render_to_string("ledger/_headline.html", {"shown": shown, "today": TODAY, "may_write": False})
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


NEWEST = {
    FirstLine.SETTLED: PAID_OFF,
    FirstLine.OVERDUE: "Waiting costs about %(amount)s a day, %(week)s a week.",
}
DUE = "Due in 3 days ¥1,743.59 to Xiaomi, 10 Dec, in 3 days. "
SENTENCES = [
    (head(FirstLine.COVERED), f"{DUE}招行 ••1234 covers it."),
    (head(FirstLine.SHORT, missing=31_240), f"{DUE}招行 ••1234 is ¥312.40 short."),
    (head(FirstLine.CAPPED), f"{DUE}It is more than the limit for one debit: pay by hand."),
    (head(FirstLine.LEANING, leans_on="salary"), f"{DUE}招行 ••1234 covers it if salary comes in."),
    (
        head(FirstLine.UNKNOWN),
        f"{DUE}What is in 招行 ••1234 is not known: state its balance to be sure.",
    ),
    (head(FirstLine.BY_HAND, account=""), f"{DUE}You pay this one by hand."),
    (
        head(FirstLine.OVERDUE, payable_on=date(2026, 12, 4), a_day=34),
        "Overdue ¥1,743.59 to Xiaomi, payable 4 Dec, 3 days ago. Waiting costs about ¥0.34 a day, ¥2.38 a week.",
    ),
    (
        head(FirstLine.OVERDUE, payable_on=date(2026, 12, 4), count=2),
        "Overdue ¥1,743.59 in 2 bills, the oldest to Xiaomi, payable 4 Dec, 3 days ago. "
        "Waiting adds no penalty today, as far as the agreement says.",
    ),
]


@pytest.mark.parametrize("headline, sentence", SENTENCES)
def test_the_first_sentence_says_what_is_due_or_overdue(headline: Headline, sentence: str) -> None:
    assert said("en", headline) == sentence


@pytest.mark.parametrize(
    "quiet, sentence",
    [
        (FirstLine.NOTHING_DUE, f"Next 30 days Nothing due {QUIET}"),
        (FirstLine.SETTLED, f"Paid off Nothing due {PAID_OFF}"),
        (FirstLine.PRESUMED, f"Needs you ¥1,743.59 Did Xiaomi debit this on 5 Dec, 2 days ago? {QUIET}"),
    ],
)
def test_where_nothing_is_due_it_says_what_else_there_is(quiet: FirstLine, sentence: str) -> None:
    assert said("en", None, quiet) == sentence


@pytest.mark.parametrize("line", list(FirstLine))
def test_in_chinese_it_is_chinese_throughout(line: FirstLine) -> None:
    headline = None
    if line not in (FirstLine.NOTHING_DUE, FirstLine.SETTLED, FirstLine.PRESUMED):
        headline = head(line, lender="小米", a_day=34, missing=31_240, leans_on="工资", payable_on=SOON)
    with override("zh-hans"):
        if line in NEWEST and gettext(NEWEST[line]) == NEWEST[line]:
            pytest.skip("not translated yet")
    words = said("zh-hans", headline, line)
    assert re.search(r"[一-鿿]", words)
    assert re.findall(r"[A-Za-z]{2,}", words.replace("Xiaomi", "")) == []
