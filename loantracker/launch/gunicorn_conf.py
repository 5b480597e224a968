"""Gunicorn's settings, under the launcher and on servers alike."""

import os
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from loantracker.launch.parent import die_with

wsgi_app = "loantracker.wsgi:application"
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or 8000}"
worker_class = "gthread"  # as many workers as WEB_CONCURRENCY says, one by default
threads = 4
timeout = 60
graceful_timeout = 8
keepalive = 5
control_socket_disable = True
loglevel = "warning"
# Its heartbeat files must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def post_fork(server: Arbiter, worker: Worker) -> None:
    """A worker whose master was killed would go on answering beside the next one."""
    die_with(server.pid)
