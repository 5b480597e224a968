"""Where mail is kept when no mail server is set: one file a message, and reading them again."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage as Parsed
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.eml")
READ_AT_MOST = 1000  # the newest files; older ones stay on disk


class MailboxBackend(BaseEmailBackend):
    """Writes each message to `EMAIL_FILE_PATH`, whole or not at all, under a name made of its Message-ID: sending
    the same message again replaces it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            _write(folder, message)
        return len(email_messages)


def _write(folder: Path, message: EmailMessage) -> None:
    mail = message.message()
    name = file_name(mail["Message-ID"])
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mail.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, folder / name)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def file_name(message_id: str) -> str:
    """The file a message is kept in."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", message_id.strip("<> ")).lstrip(".")[:200] + ".eml"


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A message as the mailbox page shows it."""

    name: str
    sent_at: datetime | None
    sender: str
    subject: str
    text: str = ""
    html: str = ""


def kept_mails(address: str) -> list[KeptMail]:
    """The mails kept for `address`, newest first, without their text."""
    folder = Path(settings.EMAIL_FILE_PATH)
    files = [path for path in folder.glob("*.eml") if NAME.fullmatch(path.name)] if folder.is_dir() else []
    newest = sorted(files, key=lambda path: (-path.stat().st_mtime_ns, path.name))[:READ_AT_MOST]
    found = (_read(path, address, whole=False) for path in newest)
    return [mail for mail in found if mail is not None]


def kept_mail(name: str, address: str) -> KeptMail | None:
    """The mail kept under `name`, if it is for `address`; a name that is no plain file name finds nothing."""
    if not NAME.fullmatch(name):
        return None
    return _read(Path(settings.EMAIL_FILE_PATH) / name, address, whole=True)


def _read(path: Path, address: str, *, whole: bool) -> KeptMail | None:
    try:
        with path.open("rb") as file:
            mail: Any = BytesParser(Parsed, policy=policy.default).parse(file, headersonly=not whole)
        to = {one.lower() for _name, one in getaddresses([str(value) for value in mail.get_all("To", [])])}
        if address.lower() not in to:
            return None
        date = mail["Date"]
        sent_at = date.datetime if date is not None else None
        if sent_at is not None and sent_at.tzinfo is None:  # "-0000": in UTC, from nobody knows where (RFC 5322)
            sent_at = sent_at.replace(tzinfo=UTC)
        return KeptMail(
            name=path.name,
            sent_at=sent_at,
            sender=str(mail["From"] or ""),
            subject=str(mail["Subject"] or "").strip(),
            text=_part(mail, "plain") if whole else "",
            html=_part(mail, "html") if whole else "",
        )
    except (OSError, ValueError, LookupError):  # gone meanwhile, or nothing a mail program could read
        return None


def _part(mail: Any, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content())
