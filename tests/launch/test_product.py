"""What the launcher tells Loantracker's processes, and where the web process listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loantracker.launch.ports import PortTakenError, listen, local_url
from loantracker.launch.product import PROJECT, announcement, data_folder, environment, redis_process, wanted_port
from loantracker.launch.redis_server import own_redis, socket_url


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_usual_port_gives_way_to_a_free_one(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loantracker.launch.ports.USUAL_PORT", taken)
    with listen("127.0.0.1", None) as listener:
        port = listener.getsockname()[1]
        assert port not in {0, taken}
        assert local_url(listener) == f"http://localhost:{port}"


def test_a_port_asked_for_is_taken_or_refused(taken: int) -> None:
    with pytest.raises(PortTakenError, match=f"port {taken}"):
        listen("127.0.0.1", taken)
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] != 0


def test_listening_on_all_addresses_is_reached_as_localhost() -> None:
    with listen("0.0.0.0", 0) as listener:
        assert local_url(listener) == f"http://localhost:{listener.getsockname()[1]}"


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8000 "])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(PortTakenError, match="PORT must be a number below 65536"):
        wanted_port({"PORT": port})


def test_an_unset_port_leaves_the_choice() -> None:
    assert [wanted_port({}), wanted_port({"PORT": ""}), wanted_port({"PORT": "0"})] == [None, None, 0]


def test_processes_are_given_the_private_redis_unless_another_is_named(tmp_path: Path) -> None:
    private = socket_url(tmp_path)
    assert environment({}, tmp_path)["REDIS_URL"] == private
    assert environment({"REDIS_URL": ""}, tmp_path)["REDIS_URL"] == private
    assert environment({"REDIS_URL": "redis://there/0"}, tmp_path)["REDIS_URL"] == "redis://there/0"


def test_the_data_folder_is_absolute_and_in_the_project_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_folder({"LOANTRACKER_VAR": "data"}) == tmp_path / "data"
    assert data_folder({}) == PROJECT / "var"


def test_the_url_is_the_last_thing_said() -> None:
    said = announcement("http://localhost:8000", Path("/data"), demo=True)
    assert said.splitlines()[-1] == "Loantracker is running: http://localhost:8000"
    assert "demo@loantracker.example" in said
    assert "demo@" not in announcement("http://localhost:8000", Path("/data"), demo=False)


def test_a_command_runs_beside_it_without_redis(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(
        [sys.executable, str(PROJECT / "loantracker" / "launch"), "--manage", "diffsettings"],
        env={**environ, "LOANTRACKER_VAR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert f"REDIS_URL = {socket_url(tmp_path)!r}" in done.stdout


def test_data_that_redis_cannot_read_are_put_aside(tmp_path: Path) -> None:
    server = own_redis({}, tmp_path)
    assert server is not None
    spec = redis_process(server)
    manifest = server.folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir()
    manifest.write_text("not a manifest\n")
    assert subprocess.run(spec.command, capture_output=True, timeout=10, check=False).returncode != 0
    assert spec.repair is not None
    assert spec.repair().startswith("Redis could not read its data; they are in ")
    assert [path.name for path in tmp_path.glob("redis-unreadable-*/appendonlydir/*")] == [manifest.name]
    with subprocess.Popen(spec.command, stdout=subprocess.DEVNULL) as process:
        while not server.answers():
            assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=10) == 0
