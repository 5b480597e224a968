"""What is shown while there is no network: one page, kept in the browser by a service worker. Nothing of anybody's
books is kept there."""

from __future__ import annotations

import hashlib
import json

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation

STYLES = "all.css"


def offline(request: HttpRequest, language: str) -> HttpResponse:
    """The page itself, the same for everybody who reads `language`."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    translation.activate(language)
    return render(request, "offline.html", _for_nobody(language))


def service_worker(request: HttpRequest, language: str) -> HttpResponse:
    """The script that keeps the page in `language`, and shows it where a page cannot be had. It is another script, so
    that the browser keeps the page anew, whenever the page or its style is another."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        shown = render_to_string("offline.html", _for_nobody(language))
    kept = [reverse("offline", args=[language]), static(STYLES)]
    version = hashlib.sha256("".join([shown, *kept]).encode()).hexdigest()[:12]
    script = render_to_string("service_worker.js", {"kept": json.dumps(kept), "version": version})
    response = HttpResponse(script, content_type="text/javascript")
    response.headers["Service-Worker-Allowed"] = "/"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _for_nobody(language: str) -> dict[str, object]:
    return {"user": AnonymousUser(), "banners": [], "csrf_token": "", "LANGUAGE_CODE": language}
