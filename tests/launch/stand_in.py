"""The real launcher with small stand-ins for its processes: `python stand_in.py VAR NAME=SHELL ...`.

`redis` is a foundation that is ready when the file `VAR/ready` exists; `step` runs first and must end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from loantracker.launch.lock import AlreadyRunningError, Lock  # noqa: E402
from loantracker.launch.output import say  # noqa: E402
from loantracker.launch.spec import Spec  # noqa: E402
from loantracker.launch.supervisor import Plan, Supervisor  # noqa: E402


def main() -> int:
    var = Path(sys.argv[1])
    scripts = dict(argument.split("=", 1) for argument in sys.argv[2:])
    try:
        lock = Lock(var / "launch.lock")
    except AlreadyRunningError as running:
        say(f"already running: {running}")
        return 1
    lock.publish("http://localhost:1")

    def mend() -> str:
        (var / "mended").touch()
        return "mended"

    specs = {name: Spec(name, ["/bin/sh", "-c", script], grace=1) for name, script in scripts.items()}
    if "redis" in specs:
        specs["redis"] = Spec("redis", specs["redis"].command, grace=1, ready=(var / "ready").exists, repair=mend)
    steps = [specs.pop("step")] if "step" in specs else []
    supervisor = Supervisor(
        environment=os.environ, cwd=var, logs=var, guarded=bool(os.environ.get("GUARDED")) or sys.platform != "linux"
    )
    return supervisor.run(Plan(processes=list(specs.values()), steps=steps, announce="announced"))


if __name__ == "__main__":
    sys.exit(main())
