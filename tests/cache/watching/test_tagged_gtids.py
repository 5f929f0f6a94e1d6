"""MySQL 8.3 and later tag global transaction ids: they are followed by file and position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.watching.source import Source
from tests.cache.zoo.electra import NEW, OLD, both
from tests.support.primary import TREE, Primary
from tests.support.waiting import wait_until
from tests.support.watched import NAME, caught_up, primary, watching

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.once,
    pytest.mark.skipif(not TREE, reason="set TEST_MYSQL_TREE"),
]


@pytest.fixture
def server(django_db_blocker: Any) -> Iterator[Primary]:
    """Of its own: a tag is never forgotten."""
    with primary("mysql", django_db_blocker) as started:
        yield started


def rename(server: Primary, name: str, tag: str = "") -> None:
    with server.client(database=NAME) as plain, plain.cursor() as cursor:
        if tag:
            cursor.execute(f"SET gtid_next = 'AUTOMATIC:{tag}'")
        cursor.execute("UPDATE star SET name = %s WHERE id = 3", [name])


def test_they_are_followed_and_gone_on_from(watched: Primary) -> None:
    with watching() as first:
        assert both() == {OLD}
        rename(watched, NEW, "planets")
        wait_until(lambda: both() == {NEW})
        rename(watched, "Maia")  # one without a tag, after it
        wait_until(lambda: caught_up(first, watched) and not first.watcher._again)
        assert both() == {"Maia"}
    source = Source("default")
    source.connect()
    assert not source.has_gtids
    source.close()
    rename(watched, "Alcyone", "planets")
    assert both() == {"Maia"}, "nobody has heard of it yet"
    with watching() as second:
        wait_until(lambda: both() == {"Alcyone"})
        assert not second.has_told("everything invalidated")
        rename(watched, "Merope", "moons")
        wait_until(lambda: both() == {"Merope"})
