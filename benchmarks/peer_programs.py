"""Programs beside which Loantracker is measured: had without being installed, run on loopback, asked over HTTP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from loantracker.launch.parent import dies_with_parent
from loantracker.launch.ports import listen
from loantracker.launch.product import PROJECT


class MissingError(Exception):
    """A program is not here and cannot be had; the message says why."""


def install_fava(folder: Path) -> Path:
    """Fava from PyPI, in an environment made at `folder` for it alone."""
    uv = shutil.which("uv") or shutil.which("uv", path=PROJECT / ".tools/bin")
    python = str(folder / "bin/python")
    if uv:
        _run([uv, "venv", "-q", str(folder)])
        _run([uv, "pip", "install", "-q", "--python", python, "fava"], env=os.environ | {"UV_SYSTEM_CERTS": "1"})
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([python, "-m", "pip", "install", "-q", "fava"])
    return folder / "bin/fava"


def find_hledger_web(folder: Path) -> Path:
    """The system's; else Debian's package, unpacked into `folder`."""
    if found := shutil.which("hledger-web"):
        return Path(found)
    if not shutil.which("apt-get"):
        raise MissingError("it is not on this machine, and there is no apt-get to fetch it with")
    folder.mkdir()
    _run(["apt-get", "download", "-q", "hledger-web"], cwd=folder)
    [package] = folder.glob("*.deb")
    _run(["dpkg-deb", "-x", str(package), str(folder)])
    return folder / "usr/bin/hledger-web"


def said_version(program: Path) -> str:
    """The number a program gives itself: "1.30.16", or "" if it does not start."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return "".join(re.findall(r"\d[\d.]*\d", said)[:1])


def free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def serving(command: Sequence[str], address: str, **more: Any) -> Iterator[None]:
    """The program runs, and has answered at `address`; MissingError if it ends before."""
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    process = subprocess.Popen(command, preexec_fn=dies_with_parent(), **quiet, **more)
    try:
        while not _answers(address):
            if process.poll() is not None:
                raise MissingError(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def ask(address: str, headers: Mapping[str, str]) -> bytes:
    """A whole answer, as it was sent: a browser takes it compressed."""
    with urlopen(Request(address, headers={"Accept-Encoding": "gzip", **headers})) as answer:
        body: bytes = answer.read()
    return body


def _answers(address: str) -> bool:
    try:
        ask(address, {})
    except URLError as error:
        return isinstance(error, HTTPError)
    return True


def _run(command: Sequence[str], **more: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise MissingError(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
