"""Where each app's pages begin."""

from django.urls import include, path

from loantracker.entrance import Login
from loantracker.health import healthz
from loantracker.language import choose_language
from loantracker.offline import offline, service_worker

urlpatterns = [
    path("", include("ledger.urls")),
    path("", include("reminders.urls")),
    path("account/login/", Login.as_view(), name="account_login"),
    path("account/", include("allauth.urls")),
    path("language/", choose_language, name="set_language"),
    path("healthz", healthz, name="healthz"),
    path("offline/<str:language>/", offline, name="offline"),
    path("offline/<str:language>/worker.js", service_worker, name="service_worker"),
]
