"""Backing up and restoring real books: the same on both databases, beside writers, and never a mail or debit twice."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as loaded
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from ledger import clock
from ledger.models import Fact, Heartbeat, Household, Loan
from ledger.models.autorepay import Outcome
from ledger.models.facts import Kind
from ledger.services import heartbeat
from ledger.services.checking import find_problems
from ledger.services.debit_chunks import debit_due
from ledger.services.mandates import authorize_mandate
from ledger.services.passing_days import refresh_overtaken
from ledger.services.repayments import record_repayment
from loantracker.backup import sqlite_books
from loantracker.backup.archive import BackupError, Manifest, pack, published, unpack
from loantracker.backup.making import make_backup
from loantracker.backup.restoring import Restored, restore_backup
from reminders.models import Reminder, Restore, State
from reminders.tasks import run
from tests import builders
from tests.builders import at
from tests.reminders.smtp_catcher import Catcher, free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.service]

BACKUP_AT = at("2026-03-06")


@pytest.fixture
def var(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own; it is the moment of the backup."""
    folder = tmp_path / "var"
    folder.mkdir()
    settings.VAR = folder
    it_is(monkeypatch, BACKUP_AT)
    return folder


@pytest.fixture
def file(var: Path, tmp_path: Path) -> Path:
    """A backup of one loan."""
    due_on_10_march()
    return make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path


def it_is(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def due_on_10_march(**more: Any) -> Loan:
    return builders.loan(now=at("2026-02-10"), disbursed_on=date(2026, 2, 10), first_due_on=date(2026, 3, 10), **more)


def books() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        rows = list(model._base_manager.order_by("pk").values_list())
        if rows and model is not Restore:
            found[model._meta.db_table] = rows
    found["migrations"] = sorted(MigrationRecorder(connection).applied_migrations())
    return found


def files(folder: Path) -> dict[str, str]:
    """Every file but the database's own, by what it holds."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "restore.lock"
    }


def remade(file: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same backup with another manifest."""
    with tarfile.open(file) as tar:
        members = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest)
    with tarfile.open(file, "w:gz") as tar:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file


# ---- there and back


def test_everything_is_as_it_was(var: Path, tmp_path: Path) -> None:
    home = builders.household()
    loan = due_on_10_march(of=home)
    card = builders.account(home)
    builders.balance(card, 10_000_000, date(2026, 3, 1), at("2026-03-01"))
    authorize_mandate(scope=loan, sources=[card], recording=builders.recording(at("2026-02-11")))
    builders.repayment(loan, 100_00, date(2026, 3, 1), at("2026-03-01"))
    (var / "documents" / "2026").mkdir(parents=True)
    (var / "documents" / "2026" / "合同.pdf").write_bytes(b"%PDF")
    (var / "holidays.json").write_text("{}")
    then, then_files = books(), files(var)
    made = make_backup(tmp_path / "books.tar.gz", BACKUP_AT)

    builders.repayment(loan, 200_00, date(2026, 3, 6), BACKUP_AT)
    due_on_10_march(name="Later")
    (var / "documents" / "later.pdf").write_bytes(b"%PDF")
    (var / "holidays.json").write_text('{"CN": {}}')
    done = restore_backup(made.path)

    assert books() == then
    assert done.kept is not None
    assert {name: digest for name, digest in files(var).items() if "backups/" not in name} == then_files
    assert done == Restored(backup_at=BACKUP_AT, kept=var / "backups" / "before-restore-20260306-040000.tar.gz")
    assert [path.name for path in var.glob(".backup-*")] == []


def test_what_was_replaced_can_be_had_again(file: Path) -> None:
    due_on_10_march(name="Later")
    later = books()
    done = restore_backup(file)
    assert Loan.objects.count() == 1
    assert done.kept is not None
    again = restore_backup(done.kept)
    assert books() == later
    assert again.kept is not None
    assert again.kept.name == "before-restore-20260306-040000-2.tar.gz"


def test_new_rows_get_numbers_that_were_never_given(file: Path) -> None:
    highest = Loan.objects.latest("pk").pk
    restore_backup(file)
    assert due_on_10_march(name="Next").pk == highest + 1


def test_a_folder_gets_a_file_named_after_the_moment(var: Path, tmp_path: Path) -> None:
    due_on_10_march()
    made = make_backup(tmp_path, BACKUP_AT)
    assert made.path == tmp_path / "loantracker-20260306-040000.tar.gz"
    assert made.size == made.path.stat().st_size


def test_whether_the_clockwork_runs_is_a_matter_of_now(file: Path) -> None:
    heartbeat.finished("reminders", at("2026-03-08"))
    restore_backup(file)
    assert list(Heartbeat.objects.values_list("job", "finished_at")) == [("reminders", at("2026-03-08"))]


def test_the_secret_key_comes_along(file: Path, var: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = settings.SECRET_KEY
    settings.SECRET_KEY = "another" + "x" * 40
    assert restore_backup(file).key_to_set  # SECRET_KEY names one: it is not ours to change
    assert not (var / "secret_key").exists()
    monkeypatch.delenv("SECRET_KEY")
    done = restore_backup(file)
    assert (done.key_changed, done.key_to_set) == (True, False)
    assert (var / "secret_key").read_text() == key
    assert (var / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_command_says_what_to_know(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", str(file))
    assert capsys.readouterr().out.splitlines() == [
        "The books are those of 2026-03-06 04:00:00 UTC now.",
        f"Those they replaced are in {loaded.VAR}/backups/before-restore-20260306-040000.tar.gz.",
    ]


# ---- refused, with nothing changed


@pytest.fixture
def unchanged(file: Path, var: Path) -> Iterator[Path]:
    """The test goes by without a change to the books or the files."""
    due_on_10_march(name="Later")
    before = books(), files(var)
    yield file
    assert (books(), files(var)) == before
    assert Restore.objects.count() == 0


def refusal(file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it refuses."""
    with pytest.raises(SystemExit) as ended:
        call_command("restore", str(file))
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Nothing was restored, and nothing was changed. ")
    return said.err


def test_a_damaged_file_is_refused(unchanged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = unchanged.read_bytes()
    for share in (0.1, 0.5, 0.9):
        place = int(len(sound) * share)
        unchanged.write_bytes(damaged(sound, place))
        assert "is damaged" in refusal(unchanged, capsys)
        unchanged.write_bytes(sound[:place])
        assert "is damaged" in refusal(unchanged, capsys)


def damaged(sound: bytes, place: int) -> bytes:
    """One bit is another at `place` or soon after: in runs of zeros some bits can change without changing what they
    unpack to, and then nothing is damaged."""
    for at_byte in range(place, len(sound)):
        changed = sound[:at_byte] + bytes([sound[at_byte] ^ 16]) + sound[at_byte + 1 :]
        try:
            if gzip.decompress(changed) != gzip.decompress(sound):
                return changed
        except (OSError, EOFError, zlib.error):
            return changed
    raise AssertionError("no bit tells")


def test_a_missing_file_is_refused(unchanged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"There is no file {unchanged}.gone." in refusal(Path(f"{unchanged}.gone"), capsys)


def test_a_file_of_a_newer_version_is_refused(unchanged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def newer(manifest: dict[str, Any]) -> None:
        manifest["migrations"].append(["ledger", "9999_of_tomorrow"])
        manifest["version"] = "9.0"

    said = refusal(remade(unchanged, newer), capsys)
    assert "newer version of Loantracker (9.0, ledger.9999_of_tomorrow). Update this one, then try again." in said


def test_a_file_of_another_database_is_refused(unchanged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = ("SQLite", "PostgreSQL") if connection.vendor == "sqlite" else ("PostgreSQL", "SQLite")

    def other(manifest: dict[str, Any]) -> None:
        manifest["vendor"] = there.lower()

    said = refusal(remade(unchanged, other), capsys)
    assert f"holds books kept in {there}; here they are kept in {here}." in said
    assert f"Set DATABASE_URL to a database in {there}, then try again." in said


def test_a_file_without_books_is_refused(unchanged: Path, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = var.parent / "empty"
    empty.mkdir()
    (empty / "secret_key").write_text("key")
    target = unchanged.with_name("empty.tar.gz")
    with published(target) as out:
        pack(empty, Manifest(BACKUP_AT, "0.1.0", connection.vendor, [("ledger", "0001_initial")]), out)
    assert "something is missing in it" in refusal(target, capsys)


def test_broken_books_are_refused(unchanged: Path, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose sums are right and whose books are not: a reference that leads nowhere."""
    folder = var.parent / "broken"
    folder.mkdir()
    manifest = unpack(unchanged, folder)
    if connection.vendor == "sqlite":
        with sqlite_books.pointed_at(folder / "database.sqlite3"), connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.execute("DELETE FROM ledger_household")
    else:
        (folder / "tables" / "ledger_household").write_bytes(b"")
    target = unchanged.with_name("broken.tar.gz")
    with published(target) as out:
        pack(folder, manifest, out)
    refusal(target, capsys)


def test_a_restore_beside_another_is_refused(unchanged: Path, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (var / "restore.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Another restore is under way." in refusal(unchanged, capsys)


def test_a_backup_goes_over_no_file_and_into_no_missing_folder(unchanged: Path, tmp_path: Path) -> None:
    for target in (unchanged, tmp_path / "missing" / "x.tar.gz"):
        with pytest.raises(BackupError):
            make_backup(target, BACKUP_AT)
    assert list(tmp_path.glob(".*")) == []


# ---- beside writers


def test_a_backup_beside_a_writer_holds_a_beginning_of_what_was_written(var: Path, tmp_path: Path) -> None:
    loan = due_on_10_march()
    stop = threading.Event()

    def write() -> None:
        try:
            while not stop.is_set():
                builders.repayment(loan, 1_00, date(2026, 3, 1), BACKUP_AT)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [make_backup(tmp_path / f"{number}.tar.gz", BACKUP_AT).path for number in range(4)]
    finally:
        stop.set()
        writer.join()
    written = list(Fact.objects.order_by("pk").values_list("pk", flat=True))
    counts = []
    for path in made:
        restore_backup(path)
        kept = list(Fact.objects.order_by("pk").values_list("pk", flat=True))
        assert kept == written[: len(kept)]
        assert list(find_problems()) == []
        counts.append(len(kept))
    assert counts == sorted(counts)
    assert counts[-1] <= len(written)


def test_a_restore_beside_a_writer_loses_nothing_that_is_not_kept(file: Path) -> None:
    """Every repayment that was acknowledged is in the books kept, or was recorded after the restore."""
    loan = Loan.objects.get()
    stop = threading.Event()
    acknowledged: list[str] = []

    def write() -> None:
        try:
            while not stop.is_set():
                key = builders.unique()
                try:
                    recording = builders.recording(BACKUP_AT, key=key)
                    record_repayment(loan=loan, amount=1_00, paid_on=date(2026, 3, 1), recording=recording)
                    acknowledged.append(key)
                except Exception:  # the database was held, or replaced in the middle
                    connection.close()
                if connection.vendor == "sqlite":  # it keeps no queue: without a breath nobody else might get its lock
                    stop.wait(0.005)
        finally:
            connection.close()

    def keys() -> set[str]:
        return set(Fact.objects.filter(kind=Kind.REPAYMENT).values_list("key", flat=True))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = restore_backup(file)
        stop.wait(0.3)
    finally:
        stop.set()
        writer.join()
    after = keys()
    assert list(find_problems()) == []
    assert done.kept is not None
    restore_backup(done.kept)
    before = keys()
    assert list(find_problems()) == []
    assert before | after == set(acknowledged)
    assert before & after == set()
    assert list(Household.objects.values_list("name", flat=True)) == ["Home"]


# ---- nothing twice


@pytest.fixture
def catcher(settings: Any) -> Iterator[Catcher]:
    """A real mail server that the settings point at."""
    found = Catcher(free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = found.port
    settings.EMAIL_TIMEOUT = 5
    with found.up():
        yield found


def walk(first: datetime, last: datetime) -> None:
    """Both ticks every three hours from `first` to `last`."""
    now = first
    while now <= last:
        refresh_overtaken(now)
        debit_due(now)
        heartbeat.finished(heartbeat.LEDGER, now)
        run(now)
        now += timedelta(hours=3)


def test_a_backup_of_two_days_ago_mails_and_debits_nothing_twice(
    var: Path, tmp_path: Path, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = builders.household()
    by_hand = due_on_10_march(of=home, name="Sofa")
    covered, short = due_on_10_march(of=home, name="Laptop"), due_on_10_march(of=home, name="Car")
    for loan, amount in ((covered, 10_000_000), (short, 1)):
        account = builders.account(home, name=f"Card for {loan.name}")
        builders.balance(account, amount, date(2026, 3, 1), at("2026-03-01"))
        authorize_mandate(scope=loan, sources=[account], recording=builders.recording(at("2026-02-11")))
    backup_at, restored_at = at("2026-03-09", 8), at("2026-03-11", 10)
    walk(at("2026-03-02", 0), backup_at)
    file = make_backup(tmp_path / "books.tar.gz", backup_at).path
    told_by_then = len(catcher.mails)
    walk(backup_at, restored_at)
    debited = list(Fact.objects.filter(source="auto").values_list("loan__name", "amount", "effective_on", "key"))
    sent = [mail["Message-ID"] for mail in catcher.mails]
    assert len(sent) > told_by_then
    assert len(debited) == 1

    it_is(monkeypatch, restored_at)
    restore_backup(file)
    assert not Fact.objects.filter(source="auto").exists()
    walk(restored_at, at("2026-03-12", 0))
    since = Reminder.objects.filter(message_id__in=[mail["Message-ID"] for mail in catcher.mails[len(sent) :]])
    tried_since = [row.attempt.window_at for row in since if row.attempt]
    assert tried_since == [at("2026-03-11", 15) + timedelta(minutes=30)]  # the car's next debit, which failed as well
    assert len(since) == 1
    again = Fact.objects.filter(source="auto").values_list("loan__name", "amount", "effective_on", "key")
    assert list(again) == debited
    failed = short.bills.get(number=1).attempts.values_list("outcome", flat=True)
    assert set(failed) == {Outcome.FAILED}

    walk(at("2026-03-12", 0), at("2026-03-18", 0))
    ids = [mail["Message-ID"] for mail in catcher.mails]
    assert len(ids) == len(set(ids))
    later = Reminder.objects.filter(state=State.SENT, sent_at__gt=restored_at).order_by("pk")
    expected = {(loan.name, step) for loan in (by_hand, short) for step in ("T+3", "T+7")}
    assert {(row.bill.loan.name, row.step) for row in later if row.bill and row.step} == expected
    assert list(Fact.objects.filter(source="auto").values_list("loan__name", flat=True)) == ["Laptop"]


# ---- older books


def test_books_of_an_older_version_are_brought_up_to_date(var: Path, tmp_path: Path) -> None:
    due_on_10_march()
    loans = list(Loan.objects.values())
    call_command("migrate", "reminders", "0001", verbosity=0)
    try:
        file = make_backup(tmp_path / "books.tar.gz", BACKUP_AT).path
    finally:
        call_command("migrate", verbosity=0)
    restore_backup(file)
    assert list(Loan.objects.values()) == loans
    assert Restore.objects.get().backup_at == BACKUP_AT
    assert ("reminders", "0002_restores") in MigrationRecorder(connection).applied_migrations()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite's file")
def test_a_fresh_machine_gets_the_books(file: Path, tmp_path: Path) -> None:
    then = books()
    fresh = tmp_path / "fresh.sqlite3"
    with sqlite_books.pointed_at(fresh):
        done = restore_backup(file)
        assert books() == then
    assert done.kept is None


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite's file")
def test_books_that_cannot_be_read_are_not_replaced(file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"hello" * 1000)
    with sqlite_books.pointed_at(broken), pytest.raises(BackupError, match=r"move .*broken\.sqlite3 away"):
        restore_backup(file)
    assert broken.read_bytes() == b"hello" * 1000
