"""How many mails a second the outbox sends, against smtplib alone and against Django's send_mail, all in this run.

Run it from the project's root: python -m benchmarks.sending [--mails N]
On SQLite it makes a database of its own in a temporary folder. On PostgreSQL it uses the empty database of
DATABASE_URL: .ci/postgres .venv/bin/python -m benchmarks.sending --database postgresql

Each mail is the reminder of a bill due tomorrow to somebody of their own, in English and Chinese by turns. The texts
the two yardsticks send are those the outbox makes, made before their clock starts; the outbox makes its own while its
clock runs. All go to the same server, a process of its own.
"""

from __future__ import annotations

import argparse
import copy
import cProfile
import os
import pstats
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any

import django
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
parser.add_argument("--mails", type=int, default=10_000)
parser.add_argument("--sample", type=int, default=2_000, help="mails sent by each yardstick")
parser.add_argument("--tls", action="store_true", help="a server that asks for TLS and a login, as providers do")
parser.add_argument("--profile", action="store_true", help="show where the time of the outbox goes")
OPTIONS = parser.parse_args()
FOLDER = tempfile.TemporaryDirectory(prefix="loantracker-benchmark-")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate() -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = Path(FOLDER.name) / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


PORT = free_port()
CERTIFICATE = certificate()
os.environ |= {
    "SSL_CERT_FILE": str(CERTIFICATE),
    "LOANTRACKER_VAR": FOLDER.name,
    "LOG_LEVEL": "ERROR",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_PORT": str(PORT),
    **({"EMAIL_USE_TLS": "yes", "EMAIL_HOST_USER": "me", "EMAIL_HOST_PASSWORD": "secret"} if OPTIONS.tls else {}),
    "DJANGO_SETTINGS_MODULE": "loantracker.settings",
}
if OPTIONS.database == "sqlite":
    os.environ["DATABASE_URL"] = ""
django.setup()

from django.core.mail import EmailMultiAlternatives, send_mail  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402

from ledger.loanmath.terms import LoanTerms  # noqa: E402
from ledger.models import Bill, Household, Lender, Loan, Membership, TermsVersion, User  # noqa: E402
from ledger.services.households import create_household  # noqa: E402
from ledger.services.loans import Opened, open_loan  # noqa: E402
from reminders.emails import Known, compose  # noqa: E402
from reminders.models import Reminder, State  # noqa: E402
from reminders.services import outbox, planning  # noqa: E402

OPENED = datetime(2026, 2, 10, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 8, 20, 0, tzinfo=UTC)  # 4 in the morning in Shanghai: everything is planned
NINE = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)  # and sent at 9, the day before it is due
COPIED: list[type[models.Model]] = [User, Household, Membership, Lender, Loan, TermsVersion, Bill]


def main() -> None:
    call_command("migrate", verbosity=0)
    print(f"{connection.vendor}: {OPTIONS.mails:,} reminders to be sent", flush=True)
    load(OPTIONS.mails)
    quiet_drain()
    while planning.plan(NIGHT):
        pass
    due = Reminder.objects.due(NINE).count()
    assert due == OPTIONS.mails, due
    command = [sys.executable, "-m", "benchmarks.smtp_sink", str(PORT), *([str(CERTIFICATE)] if OPTIONS.tls else [])]
    server = subprocess.Popen(command)
    try:
        until = time.monotonic() + 20
        while _is_closed() and time.monotonic() < until:
            time.sleep(0.05)
        texts = list(islice(letters(), OPTIONS.sample))
        plain = one_connection([(message.to[0], message.message().as_bytes(linesep="\r\n")) for message in texts])
        django_mail = one_each(texts)
        ready = {message.extra_headers["Message-ID"]: message for message in letters()}
        ours = drained("(c) the outbox, texts ready-made", lambda rows, now, known: ready[rows[0].message_id])
        Reminder.objects.update(state=State.PLANNED, sent_at=None, letter="", attempts=0)
        whole = drained("(d) the outbox, texts and all", compose)
    finally:
        server.kill()
        server.wait()
    for name, rate in (("(c)", ours), ("(d)", whole)):
        print(f"{name} against (a): {rate / plain:.2f} x; against (b): {rate / django_mail:.2f} x")


def _is_closed() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) != 0


def load(households: int) -> None:
    """So many households of one person with one loan, each like the first but for names and addresses."""
    user = User.objects.create_user("owner0@example.com", None)
    home = create_household(owner=user, name="Home", time_zone="Asia/Shanghai", currency="CNY", now=OPENED)
    terms = LoanTerms(
        currency="CNY",
        principal=1_200_000,
        disbursed_on=date(2026, 2, 10),
        annual_rate=Decimal("0.12"),
        count=12,
        first_due_on=date(2026, 3, 10),
    )
    opened = open_loan(household=home, lender_name="Bank of Tests", name="Laptop", terms=terms, key="loan", now=OPENED)
    assert isinstance(opened, Opened), opened
    with transaction.atomic():
        first = {model: list(model._base_manager.order_by("pk")) for model in COPIED}
        for model in COPIED:
            rows = (row for n in range(1, households) for row in _copies(first, model, n))
            while some := list(islice(rows, 2_000)):
                model._base_manager.bulk_create(some)
    with connection.cursor() as cursor:
        for model in COPIED:
            table = model._meta.db_table
            if connection.vendor == "postgresql":
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _copies(first: dict[type[models.Model], list[Any]], model: type[models.Model], n: int) -> Iterator[Any]:
    """The rows of `model` of household `n`: ids and references moved on by as many rows as one household has."""
    for old in first[model]:
        row = copy.copy(old)
        for field in model._meta.concrete_fields:
            target: Any = model if field.primary_key else field.related_model
            value = getattr(old, field.attname)
            if target in first and value is not None:
                setattr(row, field.attname, value + n * len(first[target]))
        if isinstance(row, User):
            row.email, row.language = f"owner{n}@example.com", ("en", "zh-hans")[n % 2]
        yield row


def a_connection() -> smtplib.SMTP:
    smtp = smtplib.SMTP("127.0.0.1", PORT)
    if OPTIONS.tls:
        smtp.starttls(context=ssl.create_default_context())
        smtp.login("me", "secret")
    return smtp


def one_connection(mails: Sequence[tuple[str, bytes]]) -> float:
    """(a) A bare loop of smtplib over one connection, the texts ready-made; the mails a second."""
    with arrived(len(mails), "(a) smtplib, one connection") as rate, a_connection() as smtp:
        started = time.perf_counter()
        for to, text in mails:
            smtp.sendmail("loantracker@localhost", [to], text)
        rate.append(len(mails) / (time.perf_counter() - started))
    return rate[0]


def one_each(texts: Sequence[Any]) -> float:
    """(b) Django's send_mail, which opens a connection for each; the mails a second."""
    with arrived(len(texts), "(b) send_mail, a connection each") as rate:
        started = time.perf_counter()
        for message in texts:
            html = message.alternatives[0][0]
            send_mail(message.subject, message.body, None, message.to, html_message=html)
        rate.append(len(texts) / (time.perf_counter() - started))
    return rate[0]


def letters() -> Iterator[EmailMultiAlternatives]:
    """What is to be sent, made beforehand."""
    for row in Reminder.objects.due(NINE).select_related("household", "recipient", "bill__loan__lender").iterator():
        yield compose([row], NINE)


def drained(name: str, composing: Callable[[Sequence[Reminder], datetime, Known], EmailMultiAlternatives]) -> float:
    """The outbox: taken, judged, made, handed over and written down; the mails a second."""
    profile = cProfile.Profile(time.process_time) if OPTIONS.profile else None
    outbox.compose = composing  # type: ignore[assignment]
    with arrived(OPTIONS.mails, name) as rate, counted() as queries:
        started = time.perf_counter()
        if profile:
            profile.enable()
        while Reminder.objects.due(NINE).exists():
            outbox.drain(NINE)
        if profile:
            profile.disable()
        rate.append(OPTIONS.mails / (time.perf_counter() - started))
    assert Reminder.objects.filter(state=State.SENT).count() == OPTIONS.mails
    print(f"    {sum(queries.values()) / OPTIONS.mails:.2f} queries a mail")
    if profile:
        for sql, times in queries.most_common(30):
            print(f"    {times / OPTIONS.mails:6.2f} {sql[:150]}")
        pstats.Stats(profile).sort_stats("cumulative").print_stats(70)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    return rate[0]


def quiet_drain() -> None:
    """What a drain costs when nothing is due."""
    with counted() as queries:
        times = []
        for _ in range(20):
            started = time.perf_counter()
            outbox.drain(OPENED)
            times.append(time.perf_counter() - started)
    asked = sum(queries.values()) / len(times)
    print(f"a drain with nothing due: {min(times) * 1000:.2f} ms, {asked:g} queries")


@contextmanager
def arrived(mails: int, name: str) -> Iterator[list[float]]:
    """Print the rate left in the list, and hold the server's word against it: every mail came, none of them twice."""
    rate: list[float] = []
    began = time.process_time()
    yield rate
    cpu = (time.process_time() - began) / mails * 1000
    with a_connection() as smtp:
        came, distinct = map(int, smtp.verify("all")[1].split())
    print(f"{name + ':':36}{rate[0]:>8,.0f} mails/s {cpu:>6.2f} ms of CPU each", flush=True)
    assert (came, distinct) == (mails, mails), (came, distinct, mails)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    seen: Counter[str] = Counter()

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen[sql] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


if __name__ == "__main__":
    main()
