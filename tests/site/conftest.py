from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from django.db import connection, connections

from tests.support.interleave import elsewhere
from tests.support.solar_system import solar_system  # noqa: F401  a fixture


@contextmanager
def replaced(file: Path, aside: Path) -> Iterator[None]:
    """A directory stands where the database's file was, which nobody can open."""
    kept = file.rename(aside / file.name)
    file.mkdir()
    yield
    file.rmdir()
    kept.rename(file)


@pytest.fixture
def database_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """New connections lead nowhere. A thread's first request opens one; ours stays as it is."""
    where = connections.settings["default"]
    away: AbstractContextManager[None]
    with socket.socket() as unused, monkeypatch.context() as patch:
        if connection.vendor == "sqlite":
            away = replaced(Path(where["NAME"]), tmp_path)
        else:
            away = nullcontext()
            unused.bind(("127.0.0.1", 0))  # bound and not listening: refuses
            patch.setitem(where, "HOST", "127.0.0.1")
            patch.setitem(where, "PORT", str(unused.getsockname()[1]))
        with away:
            yield
    elsewhere(lambda: connection.ensure_connection())  # the outage is over
