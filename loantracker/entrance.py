"""The door: signing in, or making the first account where there is none yet."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from ledger.models import User


class Login(LoginView):  # type: ignore[misc]
    """The form to sign in. Whoever comes first has no account to sign in with, and is led to make one."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not User.objects.exists():
            return redirect(f"{reverse('account_signup')}?{request.GET.urlencode()}")
        answer: HttpResponseBase = super().get(request, *args, **kwargs)
        return answer
