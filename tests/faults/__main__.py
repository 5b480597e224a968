"""Carries out one scenario, on the database that the environment names, and writes what came of it as JSON.

python -m tests.faults SCENARIO DATABASE KILLS SEED FOLDER; started by `running.run_scenario`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import django

django.setup()

from tests.faults.databases import DATABASES  # noqa: E402
from tests.faults.run import Run  # noqa: E402
from tests.faults.scenarios import carry_out  # noqa: E402


def main() -> None:
    scenario, database, kills, seed, place = sys.argv[1:]
    folder = Path(place)
    run = Run(folder, DATABASES[database](folder), Random(f"{scenario} {seed}"))
    try:
        carry_out(run, scenario, int(kills))
        (folder / "report.json").write_text(json.dumps(run.report()))
    finally:
        if hasattr(run, "product"):
            run.product.close()
        run.database.stop()


if __name__ == "__main__":
    main()
