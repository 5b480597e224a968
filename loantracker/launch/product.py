"""Loantracker as a plan for the launcher: Redis, web, worker and beat, after migrating."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from loantracker.launch.lock import AlreadyRunningError, Lock
from loantracker.launch.output import say
from loantracker.launch.ports import PortTakenError, listen, local_url, reachable
from loantracker.launch.redis_server import RedisMissingError, RedisServer, own_redis, private_folder, socket_url
from loantracker.launch.spec import Spec
from loantracker.launch.supervisor import Plan, Supervisor

PROJECT = Path(__file__).resolve().parents[2]
WORKER = ("--pool=threads", "--concurrency=2", "--without-gossip", "--without-mingle")
CHOSEN_HERE = {"REDIS_URL", "SITE_URL"}  # unless they are set to something
DEMO_LOGINS = "demo@loantracker.example, in Chinese demo-zh@loantracker.example; password loantracker-demo"


def data_folder(environ: Mapping[str, str]) -> Path:
    """LOANTRACKER_VAR, else `var` in the project; absolute, since commands may run elsewhere."""
    return Path(environ.get("LOANTRACKER_VAR") or PROJECT / "var").resolve()


def environment(environ: Mapping[str, str], var: Path) -> dict[str, str]:
    """What every process and every command is given."""
    return {
        "REDIS_URL": socket_url(var),
        **{name: value for name, value in environ.items() if value or name not in CHOSEN_HERE},
        "LOANTRACKER_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "loantracker.settings",
        "PYTHONUNBUFFERED": "1",
    }


def run_product(environ: Mapping[str, str], *, demo: bool) -> int:
    """Runs everything until told to stop; the exit code."""
    var = data_folder(environ)
    try:
        var.mkdir(parents=True, exist_ok=True)
        lock = Lock(var / "launch.lock")
        redis = own_redis(environ, var)
        listener = listen(environ.get("HOST") or "127.0.0.1", wanted_port(environ))
    except AlreadyRunningError as running:
        say(f"Loantracker is already running{f': {running}' if str(running) else ', just starting'}")
        return 1
    except (RedisMissingError, PortTakenError, OSError) as error:
        say(f"Loantracker cannot start: {error}")
        return 1
    given = environment(environ, var)
    url = given.setdefault("SITE_URL", local_url(listener))
    lock.publish(url)
    supervisor = Supervisor(environment=given, cwd=PROJECT, logs=private_folder(var / "log"))
    say("Starting Loantracker ...")
    return supervisor.run(
        Plan(
            processes=[*([redis_process(redis)] if redis else []), *django_processes(listener)],
            steps=[manage("migrate", "--verbosity", "0"), *([manage("demo"), manage("demo_mail")] if demo else [])],
            address=reachable(listener),
            site=urlsplit(url).netloc,  # a host that ALLOWED_HOSTS allows
            announce=announcement(url, var, demo=demo),
        )
    )


def wanted_port(environ: Mapping[str, str]) -> int | None:
    """PORT as a number, None where it is not set; PortTakenError where it is no port."""
    text = environ.get("PORT") or ""
    if text and not (text.isdecimal() and int(text) < 65536):
        raise PortTakenError(f"PORT must be a number below 65536, not {text!r}.")
    return int(text) if text else None


def announcement(url: str, var: Path, *, demo: bool) -> str:
    """What is said when the first page can be had; the URL comes last, where the eye is."""
    lines = [f"Everything is kept in {var}. Ctrl-C stops it."]
    if demo:
        lines.append(f"The example household signs in as {DEMO_LOGINS}")
    return "\n".join([*lines, f"Loantracker is running: {url}"])


def manage(*arguments: str) -> Spec:
    """A command of manage.py, as a step; when it fails, its last words are shown."""
    return Spec(arguments[0], [sys.executable, str(PROJECT / "manage.py"), *arguments], quiet=True)


def django_processes(listener: socket.socket) -> list[Spec]:
    """Web on the launcher's socket, worker and beat."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--skip-checks", "-A"]
    number = listener.fileno()
    settings = Path(__file__).with_name("gunicorn_conf.py")
    return [
        Spec(
            "web",
            [sys.executable, "-m", "gunicorn", "-c", str(settings), "--bind", f"fd://{number}"],
            pass_fds=(number,),
        ),
        Spec(
            "worker",
            [*celery, "loantracker.celery:app", "worker", *WORKER],
            grace=45,  # a mail on its way may take EMAIL_TIMEOUT
        ),
        Spec("beat", [*celery, "loantracker.beat:app", "beat"]),
    ]


def redis_process(server: RedisServer) -> Spec:
    """The private Redis. Nothing lives only in it: data it cannot read are put aside, and it starts afresh."""

    def put_aside() -> str:
        aside = server.folder.with_name(f"redis-unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
        server.folder.rename(aside)
        private_folder(server.folder)
        return f"Redis could not read its data; they are in {aside} now, and nothing is lost."

    return Spec("redis", server.command(keep=True), quiet=True, ready=server.answers, repair=put_aside)
