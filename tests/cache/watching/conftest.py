"""A database with a binlog, which Django uses and a plain client writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from tests.cache.zoo import sky
from tests.support.primary import Primary
from tests.support.watched import FLAVORS, NAME, primary, setting, used

TABLES = ("comet", "star", "zoo_keeper")


@pytest.fixture(scope="session", params=FLAVORS)
def server(request: Any, django_db_blocker: Any) -> Iterator[Primary]:
    with primary(request.param, django_db_blocker, local_infile=1) as started:
        yield started


@pytest.fixture
def watched(
    server: Primary, django_db_blocker: Any, settings: Any, redis: Any
) -> Iterator[Primary]:
    """Django uses it, and the sky is as it always was."""
    settings.CACHE_ASIDE = setting()
    with used(server, django_db_blocker):
        with server.client(database=NAME) as plain:
            cursor = plain.cursor()
            cursor.execute("SET foreign_key_checks = 0")
            for table in TABLES:
                cursor.execute(f"TRUNCATE {table}")
        sky.fill()
        connection.close()
        yield server
        connection.close()


@pytest.fixture
def outside(watched: Primary) -> Iterator[Callable[..., None]]:
    """Runs statements by a plain client, on one connection."""
    with watched.client(database=NAME) as plain:

        def run(*statements: str) -> None:
            with plain.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

        yield run
