"""The rooms of the tests: who may import from whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import planets.cache

pytestmark = pytest.mark.once

TESTS = Path(__file__).resolve().parents[1]
MODULES = sorted(TESTS.rglob("*.py"))
CACHE = [path for path in MODULES if path.relative_to(TESTS).parts[0] in ("cache", "races")]
LAYER = Path(planets.cache.__file__).parent


def where(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports, and what it imports from them, as absolute names."""
    here = ("tests", *path.relative_to(TESTS).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_nobody_imports_from_a_test_module(path: Path) -> None:
    """What two of them need is a fixture in a conftest.py, or stands in tests/support.

    Only `x_on_a_cluster.py` and `x_with_foresight.py` have the tests of `x.py` once more.
    """
    same = path.stem.removesuffix("_on_a_cluster").removesuffix("_with_foresight")
    for name in imports(path):
        if same != path.stem and f".{same}." in f"{name}.":
            continue
        assert not any(part.startswith(("test_", "conftest")) for part in name.split(".")), name


@pytest.mark.parametrize("path", CACHE, ids=where)
def test_the_layers_tests_know_nothing_of_the_site(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        assert top != "planetsite", name
        assert top != "planets" or name.startswith("planets.cache"), name
        assert not name.startswith(("tests.planets", "tests.site", "tests.support.solar_system"))


def test_every_room_of_the_layer_has_its_tests() -> None:
    inner = {"migrations", "static", "templates", "templatetags", "__pycache__"}
    rooms = {path.name for path in LAYER.iterdir() if path.is_dir()} - inner
    assert {room for room in rooms if not list((TESTS / "cache" / room).glob("test_*.py"))} == set()
