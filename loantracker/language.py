"""Choosing the language: kept in the cookie, and with the user who is signed in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from ledger.services.users import choose_language as remember


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Django's own language switch, remembered for pages and mails of a signed-in user."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        remember(user=request.user, language=language)
    return set_language(request)
