"""Signing up: open or closed by a setting, in the language the visitor was reading."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from ledger.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """The first person may always sign up; others while SIGN_UP_OPEN. What is refused says what to do next."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "cannot_remove_primary_email": _("This is your main address. Make another one the main one first."),
        "duplicate_email": _("You have this address already."),
        "email_password_mismatch": _(
            "The e-mail address or the password is not right. Try again, or choose a new password."
        ),
        "email_taken": _("This address has an account already. Sign in with it."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_code": _("This code is not right. Enter the newest one."),
        "incorrect_password": _("This is not your password. Try again."),
        "invalid_password_reset": _("This link was used already, or is too old. Ask for a new one."),
        "max_email_addresses": _("There is room for %d addresses. Remove one first."),
        "too_many_login_attempts": _("Too many tries. Wait some minutes, then try again."),
        "unverified_primary_email": _("Confirm your main address first, with the link in the mail you got."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGN_UP_OPEN or not User.objects.exists()

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        language = translation.get_language() or "en"
        user.language = language if language in dict(settings.LANGUAGES) else "en"
        return super().save_user(request, user, form, commit)
