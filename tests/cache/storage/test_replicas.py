"""A replica, to which a router sends the reads, goes stale with its primary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections

from planets.cache import fetch
from planets.cache.events import Fetch
from planets.cache.storage import keys, owners
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.cache.zoo.models import Star

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky"),
]


class ReadsFromReplica:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


@pytest.fixture
def replica(settings: Any, redis: Any) -> Iterator[None]:
    """A database of another name that has what the primary has, and never lags: views of it."""
    primary = connections.settings["default"]["NAME"]
    name = f"{primary}_replica"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE VIEW {name}.star AS SELECT * FROM {primary}.star")
    connections.settings["replica"] = {**connections.settings["default"], "NAME": name}
    connections["replica"].connect()
    settings.DATABASE_ROUTERS = [f"{__name__}.ReadsFromReplica"]
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "SAME_AS": {"replica": "default"}}
    yield
    connections["replica"].close()
    del connections["replica"], connections.settings["replica"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def by_sql() -> str:
    rows = fetch("SELECT name FROM star WHERE id = %s", [3], using="replica")
    return str(rows[0]["name"])


@pytest.mark.parametrize(
    "write",
    [
        rename,
        lambda: Star.objects.using("default").get(pk=3).delete() and None,
        lambda: connection.cursor().execute("UPDATE star SET name = %s", [NEW]),
    ],
    ids=["update", "delete", "raw SQL"],
)
def test_a_write_by_the_primary_reaches_what_the_replica_filled(
    replica: None, events: list[Fetch], write: Any
) -> None:
    assert (both(), by_sql()) == ({OLD}, OLD)
    events.clear()
    assert (both(), by_sql()) == ({OLD}, OLD)
    assert {event.outcome for event in events} == {"hit"}
    write()
    events.clear()
    if Star.objects.using("default").filter(pk=3).exists():
        assert (both(), by_sql()) == ({NEW}, NEW)
    else:
        assert Star.records.get(3) is None
        assert not Star.objects.cached().filter(pk=3).exists()
    assert {event.outcome for event in events} == {"miss"}


def test_they_share_gates_and_entries(replica: None) -> None:
    """Else each of several replicas would fill its own, and what is filled is as new by each."""
    assert keys.gate("replica", "star") == keys.gate("default", "star")
    assert keys.database_gate("replica") == keys.database_gate("default")
    one, other = (keys.sql(alias, "SELECT 1", (), "") for alias in ("default", "replica"))
    assert one == other


@pytest.mark.parametrize("change", [{"USER": "reader"}, {"OPTIONS": {"init_command": "SET x=1"}}])
def test_they_share_no_entries_where_they_are_told_apart(replica: None, change: Any) -> None:
    """The replica's user may see what the primary's may not."""
    connections.settings["replica"].update(change)
    one, other = (keys.sql(alias, "SELECT 1", (), "") for alias in ("default", "replica"))
    assert one != other


def test_the_primary_speaks_for_both(replica: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose Redis it is does not depend on which server a replica is on."""
    gate = keys.database_gate("default")
    mine = owners.owners.of(gate)
    assert mine
    place = "replica", connections.settings["default"]["NAME"]
    monkeypatch.setitem(owners.owners._ids, place, "another server")
    assert owners.owners.of(gate) == mine


def test_without_same_as_they_are_two(replica: None, settings: Any) -> None:
    settings.CACHE_ASIDE = {}
    assert keys.gate("replica", "star") != keys.gate("default", "star")
