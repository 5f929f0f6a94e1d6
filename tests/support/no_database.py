"""A database that is really gone: nothing listens, or the file's folder is missing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from .interleave import elsewhere


@contextmanager
def no_database() -> Iterator[None]:
    """New connections lead nowhere. A thread's first request opens one; ours stays as it is.

    The settings stay, as they do when a server goes down: they are part of what entries are named.
    """
    kind: Any = type(connections["default"])
    usual = kind.get_connection_params

    def elsewhere_to(self: Any) -> dict[str, Any]:
        params = {**usual(self), **nowhere}
        if self.vendor != "sqlite":
            params.pop("unix_socket", None)
        return params

    with socket.socket() as unused, pytest.MonkeyPatch.context() as patch:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        nowhere: dict[str, Any] = {"host": "127.0.0.1", "port": unused.getsockname()[1]}
        if connection.vendor == "sqlite":
            nowhere = {"database": "/no/such/folder/db.sqlite3"}
        patch.setattr(kind, "get_connection_params", elsewhere_to)
        yield
    elsewhere(lambda: connection.ensure_connection())  # the outage is over


@pytest.fixture
def database_away() -> Iterator[None]:
    with no_database():
        yield
