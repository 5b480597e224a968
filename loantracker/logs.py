"""What our logs leave out: the links that act for whoever holds them."""

from __future__ import annotations

import logging
import re

_LINK = re.compile(r"(/answers/)[^/?#\s\"']+")


class WithoutLinks(logging.Filter):
    """Takes the token out of every address of a link in a mail, in the words of a record and in what it brings."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without(arg) for arg in record.args)
        record.msg = _without(record.msg)
        return True


class PlainFormatter(logging.Formatter):
    """The last look: a fault's traceback may name an address too."""

    def format(self, record: logging.LogRecord) -> str:
        return str(_without(super().format(record)))


def _without(said: object) -> object:
    return _LINK.sub(r"\1…", said) if isinstance(said, str) else said
