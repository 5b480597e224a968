"""What stands between two sentences of one paragraph. Built in: every template may say `{% gap %}`."""

from __future__ import annotations

from django import template
from django.template import Context, Node
from django.template.base import Parser, Token
from django.utils.translation import get_language

register = template.Library()

WITHOUT_SPACES = "zh"


def between_sentences() -> str:
    """A space where the language puts one after a full stop; Chinese does not."""
    return "" if (get_language() or "").startswith(WITHOUT_SPACES) else " "


class Gap(Node):
    def render(self, context: Context) -> str:
        return between_sentences()


@register.tag
def gap(parser: Parser, token: Token) -> Gap:
    return Gap()
