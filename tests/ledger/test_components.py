"""The shared fragments: fields tied to their words, every standing with its word, icons that exist."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import override

from ledger.loanmath.standing import Standing


class _Form(forms.Form):
    amount = forms.DecimalField(label="Amount", help_text="What is still owed.")
    way = forms.ChoiceField(label="Way", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def field(form: forms.Form, name: str, **parameters: object) -> str:
    return render_to_string("_components/field.html", {"field": form[name], **parameters})


def icons_of_the_sprite() -> set[str]:
    sprite = settings.BASE_DIR / "static" / "icons" / "sprite.svg"
    return set(re.findall(r'<symbol id="([a-z-]+)"', sprite.read_text()))


def test_help_and_errors_are_tied_to_their_control() -> None:
    html = field(_Form({"amount": "x", "way": "a"}), "amount", prefix="¥")
    assert 'aria-describedby="id_amount_helptext id_amount_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<div class="help" id="id_amount_helptext">What is still owed.</div>' in html
    assert 'id="id_amount_error"' in html
    assert '<label for="id_amount">Amount</label>' in html


def test_radio_buttons_are_a_group_with_a_legend() -> None:
    html = field(_Form(), "way", look="cards")
    assert html.startswith('<fieldset class="field field-choice cards"')
    assert "<legend>Way</legend>" in html.replace("\n", "")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_standing_has_its_own_word_and_an_icon(language: str) -> None:
    with override(language):
        badges = [render_to_string("_components/standing.html", {"standing": one}) for one in Standing]
    words = [re.sub(r"<[^>]+>", "", badge).strip() for badge in badges]
    assert all(words)
    assert len(set(words)) == len(Standing)
    assert all("<use href=" in badge for badge in badges)


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    named: set[str] = set()
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        text = template.read_text()
        named |= set(re.findall(r'icon\.html" with name="([a-z-]+)"', text))
        named |= set(re.findall(r'\bicon="([a-z-]+)"', text))
    assert named - icons_of_the_sprite() == set()


def test_no_template_carries_inline_styles_or_scripts() -> None:
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        if "email" in template.parts:  # mail programs read nothing but inline styles
            continue
        text = template.read_text()
        assert not re.search(r'\sstyle="|<style|\son[a-z]+="', text), template
        assert not re.search(r"<script(?![^>]*(?:\ssrc=|application/json))", text), template
