"""The web server's processes end together."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from loantracker.launch.ports import listen
from loantracker.launch.product import PROJECT
from tests.launch.processes import is_running, until

APP = """
import os

def application(environ, start_response):
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere gunicorn's worker looks for its master once a second")
def test_a_worker_does_not_outlive_its_master(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    settings = PROJECT / "loantracker" / "launch" / "gunicorn_conf.py"
    with listen("127.0.0.1", 0) as listener:
        number, port = listener.fileno(), listener.getsockname()[1]
        master = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-c", str(settings), "--bind", f"fd://{number}"),
                *("--pythonpath", str(tmp_path), "app:application"),
            ],
            cwd=PROJECT,
            pass_fds=(number,),
        )
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                worker = int(answer.read())
            assert worker != master.pid
        finally:
            master.kill()
            master.wait()
        assert until(lambda: not is_running(worker), seconds=0.5)
