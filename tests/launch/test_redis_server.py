"""Which Redis is taken, and where the private one listens."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from loantracker.launch import redis_server
from loantracker.launch.redis_server import (
    RedisMissingError,
    bundled_program,
    find_program,
    own_redis,
    socket_path,
    start_private,
)


def program(folder: Path, name: str) -> str:
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_redis_given_by_url_means_none_of_our_own(tmp_path: Path) -> None:
    assert own_redis({"REDIS_URL": "redis://elsewhere/0"}, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_redis_on_path_comes_before_valkey_and_the_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    valkey = program(tmp_path / "bin", "valkey-server")
    assert find_program() == valkey
    redis_program = program(tmp_path / "bin", "redis-server")
    assert find_program() == redis_program


def test_the_bundled_server_is_taken_when_path_has_none_and_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program() == bundled_program()
    server, process = start_private(tmp_path / "redis")
    try:
        assert server.program == bundled_program()
        client = redis.Redis(unix_socket_path=str(server.socket))
        assert client.set("key", "value") is True
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}
    finally:
        process.kill()
        process.wait()


def test_no_redis_at_all_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "bundled_program", lambda: None)
    with pytest.raises(RedisMissingError, match=r"^No Redis found: .*REDIS_URL.*\)\.$"):
        own_redis({}, tmp_path)


def test_the_socket_lies_in_a_folder_only_its_owner_may_enter(tmp_path: Path) -> None:
    server = own_redis({}, tmp_path)
    assert server is not None
    assert server.socket == tmp_path / "redis" / "redis.sock"
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder with a path short enough for a socket; pytest's own are too long."""
    with tempfile.TemporaryDirectory(prefix="lt-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.mark.parametrize("name", ["x" * 100, "my household", "家"])
def test_a_path_too_long_or_odd_for_a_socket_gets_the_same_short_one_each_time(
    short: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name / "redis"
    path = socket_path(folder)
    assert path == socket_path(folder)
    assert path != socket_path(tmp_path / "other" / name / "redis")
    assert path.parent.parent == short
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    server, process = start_private(folder)
    try:
        assert server.socket == path
        assert redis.Redis(unix_socket_path=str(path)).ping() is True
    finally:
        process.kill()
        process.wait()


def test_a_temporary_folder_with_a_long_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    path = socket_path(tmp_path / ("y" * 100))
    path.parent.rmdir()
    assert len(os.fsencode(path)) <= 100


def test_a_short_socket_folder_made_by_somebody_else_is_refused(short: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    path = socket_path(folder)
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        socket_path(folder)
