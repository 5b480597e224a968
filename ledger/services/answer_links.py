"""Links that answer a presumed debit from a mail: signed, expiring, and good for one question and one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer

LINK_LASTS = timedelta(days=14)
_SALT = "ledger.answer_links"


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """What a link names: the presumed repayment it asks about, whom it was written to, and when it ends.

    It says nothing of who may answer: that is looked up whenever it is used.
    """

    repayment: int
    recipient: int
    expires_at: datetime

    @property
    def key(self) -> str:
        """The key every answer by link to this debit is recorded under, yes or no, whoever gives it: so the first is
        the answer, and all links to it are used up with it. No form can send it (see `forms.fields.is_key`)."""
        return answer_key(self.repayment)

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at


def answer_key(repayment: int) -> str:
    """The key of the answer by link to a presumed repayment."""
    return f"answer:{repayment}"


def make_token(*, repayment: int, recipient: int, now: datetime) -> str:
    """A token for the repayment and the user of these ids, good for `LINK_LASTS` from `now`; safe in a URL's path."""
    expires = int((now + LINK_LASTS).timestamp())
    return Signer(salt=_SALT).sign_object([repayment, recipient, expires])


def read_token(token: str) -> AnswerLink | None:
    """What a token of `make_token` says, expired ones included; None for anything this server never signed."""
    try:
        said: Any = Signer(salt=_SALT).unsign_object(token)
    except (BadSignature, ValueError):
        return None
    repayment, recipient, expires = said
    return AnswerLink(repayment, recipient, datetime.fromtimestamp(expires, UTC))
