"""A database with a binlog, which Django uses and a plain client writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.primary import Primary
from tests.support.watched import FLAVORS, NAME, primary, watched  # noqa: F401  a fixture


@pytest.fixture(scope="session", params=FLAVORS)
def server(request: Any, django_db_blocker: Any) -> Iterator[Primary]:
    with primary(request.param, django_db_blocker, local_infile=1) as started:
        yield started


@pytest.fixture
def outside(watched: Primary) -> Iterator[Callable[..., None]]:  # noqa: F811
    """Runs statements by a plain client, on one connection."""
    with watched.client(database=NAME) as plain:

        def run(*statements: str) -> None:
            with plain.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

        yield run
