"""A database with a binlog, for the races of its watcher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.cache.zoo import sky
from tests.support.primary import Primary
from tests.support.watched import FLAVORS, NAME, primary, setting, used


@pytest.fixture(scope="module", params=FLAVORS)
def server(request: Any, django_db_blocker: Any) -> Iterator[Primary]:
    # Written through to the disk: from the event to the commit it takes the longest then.
    with primary(request.param, django_db_blocker, sync_binlog=1) as started:
        yield started


@pytest.fixture
def watched(
    server: Primary, django_db_blocker: Any, settings: Any, redis: Any
) -> Iterator[Primary]:
    """Django uses it, and the sky is as it always was."""
    settings.CACHE_ASIDE = setting()
    with used(server, django_db_blocker):
        with server.client(database=NAME) as plain:
            plain.cursor().execute("DELETE FROM comet")
            plain.cursor().execute("DELETE FROM star")
        sky.fill()
        connection.close()
        yield server
        connection.close()
