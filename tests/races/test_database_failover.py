"""The database fails over to a replica: the watcher goes on there, by global transaction ids.

Clients know one address, which leads to the primary of the moment: here a link to its socket.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from tests.cache.zoo import sky
from tests.cache.zoo.electra import NEW, OLD, both, by_query, by_record
from tests.support.interleave import elsewhere
from tests.support.primary import Primary
from tests.support.waiting import wait_until
from tests.support.watched import FLAVORS, NAME, caught_up, primary, setting, used, watching

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.once,
    # pymysql leaves a socket open where nobody listens.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Pair:
    """A primary and its replica, behind one address."""

    def __init__(self, first: Primary, second: Primary, address: Path) -> None:
        self.first, self.second, self.address = first, second, address
        address.symlink_to(first.socket)

    def wait_until_replicated(self) -> None:
        names = [name(server) for server in (self.first, self.second)]
        wait_until(lambda: name(self.second) == names[0])

    def fail_over(self) -> None:
        """The primary dies, and the replica takes its address."""
        self.first.stop(signal.SIGKILL)
        self.second.stop_following()
        self.address.unlink()
        self.address.symlink_to(self.second.socket)
        connections.close_all()


def name(server: Primary) -> str:
    with server.client(database=NAME) as plain, plain.cursor() as cursor:
        cursor.execute("SELECT name FROM star WHERE id = 3")
        return str(cursor.fetchone()[0])


def rename(server: Primary, new: str) -> None:
    with server.client(database=NAME) as plain:
        plain.cursor().execute("UPDATE star SET name = %s WHERE id = 3", [new])


def is_shown_everywhere(new: str) -> bool:
    return both() == {new} == {elsewhere(by_query), elsewhere(by_record)}


@pytest.fixture(params=FLAVORS)
def pair(
    request: Any, django_db_blocker: Any, settings: Any, redis: Any, tmp_path: Path
) -> Iterator[Pair]:
    settings.CACHE_ASIDE = setting()
    follows = {"server_id": 2, "log_slave_updates": "ON"}
    if request.param == "mysql":
        follows = {"server_id": 2}  # and it logs what it follows by itself
    with (
        primary(request.param, django_db_blocker) as first,
        Primary(request.param, **follows) as second,
    ):
        found = Pair(first, second, tmp_path / "db.sock")
        with used(first, django_db_blocker, str(found.address)):
            sky.fill()
            second.follow(first)
            wait_until(lambda: exists(second))
            yield found
            connection.close()
        gc.collect()


def exists(server: Primary) -> bool:
    try:
        return name(server) == OLD
    except Exception:  # no database, no table, no row yet
        return False


def test_it_goes_on_at_the_new_primary(pair: Pair) -> None:
    with watching() as found:
        assert both() == {OLD}
        pair.fail_over()
        rename(pair.second, NEW)
        wait_until(lambda: is_shown_everywhere(NEW))
        # Once: where it began, as it had no position yet.
        assert [event for event, _ in found.told].count("everything invalidated") == 1


def test_what_was_written_before_and_not_heard_is_read_at_the_new_primary(pair: Pair) -> None:
    with watching() as first:
        assert both() == {OLD}
        wait_until(lambda: caught_up(first, pair.first))
    rename(pair.first, NEW)
    pair.wait_until_replicated()
    pair.fail_over()
    assert both() == {OLD}, "nobody has heard of it yet"
    with watching() as second:
        wait_until(lambda: is_shown_everywhere(NEW))
        assert not second.has_told("everything invalidated")


def test_a_write_that_the_replica_never_got_is_not_shown_for_ever(pair: Pair) -> None:
    with watching() as found:
        assert both() == {OLD}
        pair.second.stop_following()
        rename(pair.first, NEW)
        wait_until(lambda: is_shown_everywhere(NEW) and caught_up(found, pair.first))
        pair.fail_over()
        wait_until(lambda: is_shown_everywhere(OLD))
        rename(pair.second, "Maia")
        wait_until(lambda: is_shown_everywhere("Maia"))
