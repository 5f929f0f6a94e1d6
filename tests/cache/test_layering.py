"""The cache's app, floor by floor: a folder imports only from floors below its own."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import planets.cache

pytestmark = pytest.mark.once

ROOT = Path(planets.cache.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)
LUA = sorted(ROOT.glob("storage/lua/*.lua"))

# From the ground up: folders, and the files that stand beside them.
FLOORS = [
    ["active", "cluster", "conf", "events", "extras", "native", "recent", "stats"],
    ["release"],
    ["storage"],
    ["writing"],
    ["reading"],
    ["orm"],
    ["records", "sql", "invalidation", "pages", "outside", "fragments", "values"],
    ["installed", "reads", "visit"],
    ["__init__"],
    ["warming", "models"],
    ["watching"],
    ["instruments"],
    ["templatetags", "lab"],
    ["checks", "admin", "testing"],
    ["management", "apps"],
]
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}

# What a module may import besides the standard library: Django and the wheel's own requirements ...
REQUIRED = {
    *("asgiref", "django", "django_redis", "hiredis", "msgspec", "redis", "sqlglot", "zstandard"),
}
# ... and who may import what comes with one of its extras.
EXTRAS = {
    "debug_toolbar": {"instruments/panel.py"},
    "prometheus_client": {"instruments/metrics.py"},
    "sqlparse": {"instruments/report.py", "templatetags/cache_aside.py"},  # Django requires it
    "pygal": {"lab/charts.py"},
    "pymysql": {"watching/source.py", "watching/stream.py"},
    "pymysqlreplication": {"watching/assembly.py", "watching/stream.py"},
    "pytest": {"testing/plugin.py"},
    "rich": {"management/commands/show_cache.py", "management/progress.py"},
}
# Django's inner parts, and where they may be touched.
INNER = re.compile(r"^django\.db\.models\.sql|^django\.db\.models\.(base|query_utils)\b")


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports: absolute names, and ours as `/storage/keys`."""
    here = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level - 1 <= len(here), f"{where(path)} reaches out of the app"
            base = here[: len(here) - (node.level - 1)]
            if node.module:
                yield "/" + "/".join((*base, *node.module.split(".")))
            else:
                yield from ("/" + "/".join((*base, alias.name)) for alias in node.names)


def ours(path: Path) -> Iterator[str]:
    """The rooms that a module imports from."""
    for name in imports(path):
        if name.startswith("/"):
            yield name[1:].split("/")[0]


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_a_module_imports_only_from_its_own_floor_and_below(path: Path) -> None:
    mine = room(where(path))
    assert mine in FLOOR, "name its floor above"
    for other in ours(path):
        # A name that is no room is one that the app's door gives out.
        assert FLOOR.get(other, FLOOR["__init__"]) <= FLOOR[mine], other
        assert other == mine or FLOOR.get(other, FLOOR["__init__"]) < FLOOR[mine], other


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_a_module_imports_nothing_of_the_site(path: Path) -> None:
    for name in imports(path):
        top = name.partition(".")[0]
        if name.startswith("/") or top in REQUIRED or top in sys.stdlib_module_names:
            continue
        assert where(path) in EXTRAS.get(top, ()), name


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_only_orm_touches_the_inner_parts_of_djangos(path: Path) -> None:
    if room(where(path)) != "orm":
        assert [name for name in imports(path) if INNER.search(name)] == []


def test_imports_go_one_way_within_a_room() -> None:
    """No module of a room can reach itself."""
    graph = {where(path).removesuffix(".py"): set(imports(path)) for path in MODULES}
    within = {
        name: {other[1:] for other in others if other[1:] in graph}
        for name, others in graph.items()
    }
    done: set[str] = set()

    def walk(name: str, road: tuple[str, ...]) -> None:
        assert name not in road, " -> ".join((*road, name))
        if name not in done:
            for other in sorted(within[name]):
                walk(other, (*road, name))
            done.add(name)

    for name in sorted(within):
        walk(name, ())


def test_the_app_does_not_know_what_it_caches() -> None:
    kinds = (".py", ".html", ".css", ".js", ".lua", ".svg", ".txt")
    for path in ROOT.rglob("*"):
        if path.suffix in kinds:
            assert not re.search("planet|moon", path.read_text(), re.I), path


def test_lua_scripts_are_short() -> None:
    for path in LUA:
        assert len(path.read_text().splitlines()) <= 40, path
