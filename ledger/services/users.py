"""What a user chooses for themselves."""

from __future__ import annotations

from ledger.models import User


def choose_language(*, user: User, language: str) -> User:
    """Keep the language (a code of `LANGUAGES`) of this user's pages and mails."""
    user.language = language
    user.save(update_fields=["language"])
    return user
