"""What may not be done, as a value with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was written: `code` for programs, `message` (translated, says what to do next) for people,
    `field` for the form field to show it at ("" for the whole form)."""

    code: str
    message: Any
    field: str = ""

    def __str__(self) -> str:
        return str(self.message)
