"""Where mail is kept when no mail server is set."""

from django.core.mail.backends.filebased import EmailBackend as MailboxBackend

__all__ = ["MailboxBackend"]
