"""The rooms and their levels: reads every module's imports and fails on an arrow that runs back up."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("ledger", "reminders", "loantracker")

PURE = ("ledger.loanmath", "reminders.rules", "reminders.occasion_rules")
MODELS = ("models", "querysets")
SERVICES = ("services", "selectors")
EDGES = ("forms", "views", "tasks", "admin", "management", "urls", "templatetags")

CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("timezone", "now")}
CLOCK_MODULE = "ledger.clock"

LAZY = {"manage": {"django.core.management"}}  # settings first: the only imports inside functions


@lru_cache
def modules() -> dict[str, ast.Module]:
    """Every module of the project's rooms by its dotted name; migrations and the launcher are not rooms."""
    found = {"manage": ast.parse((PROJECT / "manage.py").read_text())}
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            if "migrations" in parts or parts[:2] == ("loantracker", "launch"):
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text())
    return found


def within(name: str, *rooms: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room_of(name: str) -> str:
    """What stands after the app: "services" of ledger.services.loans."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Each imported name: `from a.b import c` gives "a.b.c", which lies within a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> Iterator[tuple[str, str]]:
    for name, tree in modules().items():
        for imported in imports(tree):
            yield name, imported


def test_the_reader_sees_the_rooms() -> None:
    names = modules()
    assert {"ledger.loanmath.project", "ledger.models.loans", "ledger.services.projection"} <= set(names)
    assert ("ledger.services.projection", "ledger.models.Bill") in set(arrows())


def test_pure_modules_import_the_standard_library_and_each_other() -> None:
    allowed = {*sys.stdlib_module_names, "dateutil"}
    wrong = [
        (name, imported)
        for name, imported in arrows()
        if within(name, *PURE)
        and imported.split(".")[0] not in allowed
        and not within(imported, "ledger.loanmath", *(["reminders.rules"] if within(name, "reminders") else []))
    ]
    assert wrong == []


def test_models_and_querysets_import_no_level_above() -> None:
    above = {*SERVICES, *EDGES}
    wrong = [
        (name, imported)
        for name, imported in arrows()
        if room_of(name) in MODELS and within(imported, *ROOMS) and room_of(imported) in above
    ]
    assert wrong == []


def test_services_and_selectors_know_no_forms_views_tasks_or_requests() -> None:
    wrong = [
        (name, imported)
        for name, imported in arrows()
        if room_of(name) in SERVICES
        and (
            (within(imported, *ROOMS) and room_of(imported) in EDGES)
            or within(imported, "django.http", "django.forms", "django.shortcuts", "django.template", "celery")
        )
    ]
    assert wrong == []


def test_the_ledger_has_never_heard_of_reminders() -> None:
    assert [arrow for arrow in arrows() if within(arrow[0], "ledger") and within(arrow[1], "reminders")] == []


def test_no_app_imports_another_apps_edges() -> None:
    apps = ("ledger", "reminders")
    wrong = [
        (name, imported)
        for name, imported in arrows()
        if within(name, *apps)
        and within(imported, *apps)
        and name.split(".")[0] != imported.split(".")[0]
        and room_of(imported) in {"forms", "views", "tasks", "admin", "management", "urls"}
    ]
    assert wrong == []


def test_only_edges_import_the_wiring() -> None:
    wrong = [
        (name, imported)
        for name, imported in arrows()
        if within(name, "ledger", "reminders") and within(imported, "loantracker") and room_of(name) not in EDGES
    ]
    assert wrong == []


def test_nothing_is_imported_inside_a_function() -> None:
    wrong = []
    for name, tree in modules().items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                lazy = set(imports(function))
                allowed = LAZY.get(name, set())
                wrong += [(name, imported) for imported in lazy if not within(imported, *allowed)]
    assert wrong == []


def attribute(node: ast.AST) -> tuple[str, str]:
    """("date", "today") of `date.today()` and of `datetime.date.today()`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return "", ""
    owner = node.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name, node.func.attr


def test_the_clock_is_asked_in_one_place() -> None:
    wrong = [
        (name, node.lineno)
        for name, tree in modules().items()
        if name != CLOCK_MODULE
        for node in ast.walk(tree)
        if attribute(node) in CLOCKS
    ]
    assert wrong == []


@pytest.mark.parametrize("room", PURE)
def test_no_floats_near_money(room: str) -> None:
    wrong = [
        (name, node.lineno)
        for name, tree in modules().items()
        if within(name, room)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]
    assert wrong == []
