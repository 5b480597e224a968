"""The Chinese texts read as one: the words of the glossary, 你, full-width punctuation, no spaces around figures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CATALOG = Path(__file__).resolve().parent.parent / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def chinese() -> list[str]:
    """Every text of the Chinese catalog, its placeholders as they stand."""
    found = re.findall(r'^msgstr(?:\[0\])? ((?:".*"\n?)+)', CATALOG.read_text(), re.MULTILINE)[1:]
    return ["".join(ast.literal_eval(line) for line in text.splitlines()) for text in found]


HAN = "[\u4e00-\u9fff]"
STYLE = {
    "an exclamation mark": r"[!！]",
    "您 for 你": "您",
    "half-width punctuation in Chinese": rf"{HAN}[,;:!?()]|[,;:!?()](?<!%\()(?<!\)){HAN}",
    "a space between Chinese and a figure": rf"{HAN} \d|\d%* {HAN}|{HAN} %\((?!times|time|at|moment)|\)[sd] {HAN}",
    "not the word the glossary has for a lender (机构)": "贷款方|借款方",
    "not the word the glossary has for auto-repay (自动还款)": "自动扣款|自动代扣",
    "not the word for what is not confirmed (待确认)": "推定",
    "an app by its English name (应用)": "App",
}


@pytest.mark.parametrize("fault", STYLE)
def test_the_chinese_texts_keep_to_one_style(fault: str) -> None:
    assert [text for text in chinese() if re.search(STYLE[fault], text)] == []
