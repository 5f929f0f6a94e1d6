"""A database that is there and says nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import settings

from .waiting import PATIENCE


@contextmanager
def silence() -> Iterator[None]:
    """The database keeps its connections and answers nothing."""
    mariadb = getattr(settings, "mariadb", None)
    if mariadb is None:
        pytest.skip("TEST_DB_HOST names a database that is not ours to stop")
    enough = threading.Timer(PATIENCE, mariadb.resume)  # who would wait without end fails
    mariadb.pause()
    enough.start()
    try:
        yield
    finally:
        enough.cancel()
        mariadb.resume()
