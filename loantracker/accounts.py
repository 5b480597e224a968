"""Signing up: open or closed by a setting, in the language the visitor was reading."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from ledger.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """The first person may always sign up; others while SIGN_UP_OPEN."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGN_UP_OPEN or not User.objects.exists()

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        language = translation.get_language() or "en"
        user.language = language if language in dict(settings.LANGUAGES) else "en"
        return super().save_user(request, user, form, commit)
