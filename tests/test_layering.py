"""Three storeys, each knowing only what is below it."""

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
MODULES = sorted(ROOT.glob("*.py"))
OUTSIDE = {"django", "django_redis", "redis", "sqlglot", "msgspec", "zstandard", "asgiref"}
# From the ground up: a module imports only from lines above its own.
STOREYS = [
    ["conf", "signals", "stats", "tables", "keys", "wire", "converters", "instances", "seen"],
    ["client", "fingerprint", "rows", "by_key"],
    ["codecs"],
    ["gates", "near", "server", "plans"],
    ["lease", "history", "standing"],
    ["writes"],
    ["aside"],
    ["sql", "hashes", "invalidation", "keyspace"],
    ["queryset", "inspection", "overview", "targets"],
    ["__init__"],
]
LEVEL = {name: level for level, names in enumerate(STOREYS) for name in names}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Each import of a module: how many dots it begins with, and the module's first name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            if node.level and not node.module:
                for alias in node.names:
                    yield node.level, alias.name
            else:
                yield node.level, (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_cache_layer_imports_nothing_of_the_site(path: Path) -> None:
    for dots, name in imports(path):
        assert dots <= 1, f"{path.name} reaches out of its folder"
        assert dots == 1 or name in OUTSIDE or name in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_imports_only_from_below(path: Path) -> None:
    assert path.stem in LEVEL, "name its storey above"
    for dots, name in imports(path):
        if dots and name != path.stem:
            assert LEVEL[name] < LEVEL[path.stem]


def test_the_cache_layer_does_not_know_what_it_caches() -> None:
    for path in [*MODULES, *ROOT.glob("lua/*.lua")]:
        assert not re.search("planet|moon", path.read_text(), re.I), path


def test_lua_scripts_are_short() -> None:
    for path in ROOT.glob("lua/*.lua"):
        assert len(path.read_text().splitlines()) <= 40, path
