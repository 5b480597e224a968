"""Every setting, read once from the environment with its type and default; listed in the README."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "") or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")
    return value in {"1", "true", "yes", "on"} if value else default


def number(name: str, default: int) -> int:
    try:
        return int(text(name, str(default)))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, *values: str) -> str:
    """One of `values`; the first if nothing is set."""
    value = text(name, values[0]).lower()
    if value not in values:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(values)}, not {value!r}.")
    return value


# Where everything lives that is not code.
VAR = Path(text("LOANTRACKER_VAR", str(BASE_DIR / "var"))).resolve()
VAR.mkdir(parents=True, exist_ok=True)


def secret_key() -> str:
    """SECRET_KEY, else the one kept in var/secret_key, made on first start and readable by its owner only."""
    given = os.environ.get("SECRET_KEY")
    if given is not None:
        if len(given) < 32:
            raise ImproperlyConfigured("SECRET_KEY must have at least 32 characters.")
        return given
    path = VAR / "secret_key"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text().strip()


SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")  # former ones: what they sealed or signed still counts
DEBUG = flag("DEBUG")
SITE_URL = text("SITE_URL", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = [*words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"), urlsplit(SITE_URL).hostname or "localhost"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CLOCK_OFFSET_SECONDS = number("CLOCK_OFFSET_SECONDS", 0)  # moves the app's clock; for trying things out
SIGN_UP_OPEN = flag("SIGN_UP_OPEN", True)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "ledger",
    "reminders",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "loantracker.middleware.CompressionMiddleware",
    "loantracker.middleware.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "loantracker.middleware.HouseholdMiddleware",
    "loantracker.middleware.HtmxLoginMiddleware",
]

ROOT_URLCONF = "loantracker.urls"
WSGI_APPLICATION = "loantracker.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["ledger.templatetags.sentences"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "loantracker.context.page",
            ],
        },
    },
]


def database(url: str) -> dict[str, object]:
    """A Django database entry for `sqlite:///path` or `postgresql://user:password@host:port/name?host=/socket`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/")) if parts.path.startswith("/") else parts.path,
            "CONN_MAX_AGE": 600,  # opening it anew costs each request more than most of its questions do
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                # 8 MB of pages at most: with SQLite's own 2, a thousand loans are read from the disk at each look.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000;",
            },
        }
    if parts.scheme in {"postgres", "postgresql"}:
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(query.get("host", parts.hostname or "")),
            "PORT": str(parts.port or query.get("port", "")),
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "pool": {"min_size": 1, "max_size": 8, "timeout": 10},
                "prepare_threshold": 2,  # heeded by `selectors.prepared` alone: Django's own cursors prepare nothing
                "options": "-c lock_timeout=5000 -c statement_timeout=15000 "
                "-c idle_in_transaction_session_timeout=60000",
            },
        }
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgresql://.")


DATABASES = {"default": database(text("DATABASE_URL", f"sqlite:///{VAR / 'loantracker.sqlite3'}"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test.sqlite3")}  # a file, so that worker threads see it
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Counters of sign-in attempts; a folder, so that signing in works while Redis is away.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR / "cache"}}

# Signing in
AUTH_USER_MODEL = "ledger.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "loantracker.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "loantracker.passwords.NotCommon"},
    {"NAME": "loantracker.passwords.NotLikeTheUser"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "ledger:overview"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "loantracker.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
ALLAUTH_TRUSTED_PROXY_COUNT = int(flag("BEHIND_PROXY"))  # whose X-Forwarded-For counts where attempts are counted
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # a household without a mail server may have a second factor too
MFA_TOTP_ISSUER = "Loantracker"

# Cookies and headers
SECURE = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_SAMESITE = SECURE, "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Sending plain HTTP to HTTPS is the proxy's part; the domain's other hosts are not ours to speak for.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W005", "security.W021"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# Documents: how large one may be, and all of a household together. Larger files are dropped while they come in.
MEGABYTE = 1_000_000
DOCUMENT_BYTES = number("DOCUMENT_MB", 10) * MEGABYTE
HOUSEHOLD_DOCUMENTS_BYTES = number("HOUSEHOLD_DOCUMENTS_MB", 500) * MEGABYTE
FILE_UPLOAD_HANDLERS = [
    "loantracker.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 256_000  # what is larger waits in a file

# Language and time; the day that counts is the household's.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
HOUSEHOLD_TIME_ZONE = text("TZ", "Asia/Shanghai")  # of a new household; each can change its own

# Static files
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "loantracker.static_files.Joined",
]
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # served from where they lie: nothing to collect
WHITENOISE_MIMETYPES = {".webmanifest": "application/manifest+json"}
WHITENOISE_MAX_AGE = 30 * 24 * 3600  # a file that changed has another address
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "loantracker.static_files.VersionedStorage"},
}

# Mail: by SMTP where EMAIL_HOST is set, else kept in var/mail and shown on the mailbox page.
EMAIL_HOST = text("EMAIL_HOST")
MAIL_KEPT_LOCALLY = not EMAIL_HOST
EMAIL_BACKEND = (
    "reminders.mailbox.MailboxBackend" if MAIL_KEPT_LOCALLY else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_FILE_PATH = VAR / "mail"
EMAIL_PORT = number("EMAIL_PORT", 587 if flag("EMAIL_USE_TLS") else 25)
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = flag("EMAIL_USE_SSL")
EMAIL_TIMEOUT = number("EMAIL_TIMEOUT", 30)
EMAIL_CONNECTIONS = number("EMAIL_CONNECTIONS", 4)  # at most, of each worker, when there is much to send
# What the mail server never answered for is not sent again, unless that is wanted or the provider knows a repeat by
# this header.
UNCERTAIN_MAIL = choice("UNCERTAIN_MAIL", "hold", "resend")
EMAIL_IDEMPOTENCY_HEADER = text("EMAIL_IDEMPOTENCY_HEADER")
if not re.fullmatch(r"[A-Za-z0-9-]*", EMAIL_IDEMPOTENCY_HEADER):
    raise ImproperlyConfigured("EMAIL_IDEMPOTENCY_HEADER must be the name of a header, such as Resend-Idempotency-Key.")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("EMAIL_FROM", f"Loantracker <loantracker@{urlsplit(SITE_URL).hostname}>")

# Other channels: whether those of members may be on this machine or its network. At home yes, on a public site no.
ALLOW_PRIVATE_CHANNELS = flag("ALLOW_PRIVATE_CHANNELS", not SECURE)

# Celery: a message only ever means "look in the database now".
REDIS_URL = text("REDIS_URL", "redis://127.0.0.1:6379/0")
SWEEP_SECONDS = number("SWEEP_SECONDS", 60)
MAIL_LEASE_SECONDS = number("MAIL_LEASE_SECONDS", 300)
HEARTBEAT_LATE_SECONDS = number("HEARTBEAT_LATE_SECONDS", 300)
# Asked after each good tick, at most once a minute, and with /fail behind it after one that broke: a monitor elsewhere
# then notices a machine that is off.
PING_URL = text("PING_URL")
if PING_URL and (urlsplit(PING_URL).scheme not in {"http", "https"} or not urlsplit(PING_URL).hostname):
    raise ImproperlyConfigured("PING_URL must be a whole address, such as https://hc-ping.com/your-key.")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "loantracker.logs.WithoutLinks",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # What these say of a request holds its address, and that is the key to a member's channel.
    "loggers": {"apprise": {"level": 100, "propagate": False}, "urllib3": {"level": 100, "propagate": False}},
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
}
