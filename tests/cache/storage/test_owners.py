"""Two databases of one name on one Redis: one of them uses it, the other says why it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from planets.cache.events import Fetch
from planets.cache.storage import keys, owners
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.cache.zoo.models import Star
from tests.support.another_process import Another, another_process
from tests.support.interleave import elsewhere
from tests.support.near import trusted
from tests.support.servers import MariaDB, Redis
from tests.support.twins import Twins, twins
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky"),
]

STAGING = "Electra of staging"


@pytest.fixture(scope="module")
def other_server() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.fixture
def servers(own: Redis, other_server: MariaDB, tmp_path: Path) -> Iterator[Twins]:
    """The process at hand is of production, and has filled."""
    with twins(tmp_path / "db.sock", other_server) as two:
        rename(STAGING)
        two.copy("star")
        rename(OLD)
        assert both() == both() == {OLD}
        yield two


@pytest.fixture
def staging(servers: Twins) -> Iterator[Another]:
    """Another process, which knows the same address, and finds the other server there."""
    with another_process() as other:
        connection.ensure_connection()  # to the first, for good
        servers.lead_to_other()
        other.do(forget_who_we_are)
        yield other
        servers.lead_to_first()


def forget_who_we_are() -> None:
    """As a process that has just begun."""
    connections.close_all()
    owners.owners._ids.clear()
    owners.owners.forget()
    client.doubt()


def a_second_later() -> None:
    """What was heard is to be heard again."""
    client.doubt()
    owners.owners.others = dict.fromkeys(owners.owners.others, float("-inf"))


def fetched_by(function: Any) -> tuple[Any, set[str], set[str]]:
    """What it gives, and the outcomes and the reasons of its fetches."""
    from planets.cache import fetched

    heard: list[Fetch] = []

    def hear(event: Fetch, **kwargs: object) -> None:
        heard.append(event)

    fetched.connect(hear)
    try:
        found = function()
    finally:
        fetched.disconnect(hear)
    return found, {event.outcome for event in heard}, {event.reason for event in heard}


def hit() -> Any:
    return fetched_by(both)


def connected_hit() -> Any:
    connection.ensure_connection()  # as any query makes one
    return hit()


def page_of_all() -> Any:
    from planets.cache import remember

    return fetched_by(lambda: remember("name", lambda: Star.objects.get(pk=3).name))


def logged_at_first_fetch() -> tuple[list[str], list[str]]:
    """What the log says of the first fetches, and of those that follow."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    owners.logger.addHandler(handler)
    try:
        both()
        first, lines = lines, []
        both()
        return first, lines
    finally:
        owners.logger.removeHandler(handler)


def the_owner_is_gone(redis: Redis) -> None:
    """As LAPSE after the last greeting of its processes."""
    with redis.client() as direct:
        assert direct.delete(keys.owner(keys.database_gate("default")))


def test_the_other_database_is_noticed_at_the_first_fetch(staging: Another) -> None:
    """It would be a hit: the address is the same, and so is everything that a key is made of."""
    assert staging.do(hit) == ({STAGING}, {"bypass"}, {owners.REFUSAL})
    assert staging.do(page_of_all) == (STAGING, {"bypass"}, {owners.REFUSAL})
    assert hit() == ({OLD}, {"hit"}, {""})


def test_it_is_told_once(staging: Another) -> None:
    first, second = staging.do(logged_at_first_fetch)
    assert len(first) == 1
    assert "another database of the same name. Give each site a PREFIX of its own" in first[0]
    assert second == []


def test_its_writes_make_nothing_wrong_and_cost_the_owner_a_miss(staging: Another) -> None:
    staging.do(rename, "written in staging")
    assert staging.do(hit)[:2] == ({"written in staging"}, {"bypass"})
    assert hit()[:2] == ({OLD}, {"miss"})
    assert hit()[:2] == ({OLD}, {"hit"})
    rename()
    assert hit()[:2] == ({NEW}, {"miss"})


def invalidate_everything() -> None:
    from planets.cache import invalidate

    invalidate(everything=True)


def test_that_everything_is_invalidated_changes_no_owner(staging: Another) -> None:
    staging.do(invalidate_everything)
    assert staging.do(hit)[:2] == ({STAGING}, {"bypass"})
    assert hit()[:2] == ({OLD}, {"miss"})


def test_a_name_that_is_left_is_taken_over_with_nothing_of_before(
    own: Redis, staging: Another
) -> None:
    the_owner_is_gone(own)
    staging.do(a_second_later)
    assert staging.do(hit)[:2] == ({STAGING}, {"miss"})
    assert staging.do(hit)[:2] == ({STAGING}, {"hit"})
    a_second_later()
    assert hit() == ({OLD}, {"bypass"}, {owners.REFUSAL})
    a_second_later()  # it is asked again, and the other is still there
    assert hit() == ({OLD}, {"bypass"}, {owners.REFUSAL})
    the_owner_is_gone(own)
    a_second_later()
    assert hit()[:2] == ({OLD}, {"miss"})
    assert hit()[:2] == ({OLD}, {"hit"})


def near_hit() -> Any:
    wait_until(trusted)
    return hit()


def test_the_near_tier_of_the_other_serves_nothing(servers: Twins) -> None:
    with another_process(NEAR=True) as other:
        servers.lead_to_other()
        other.do(forget_who_we_are)
        other.do(hit)
        for _ in range(3):
            assert other.do(near_hit)[:2] == ({STAGING}, {"bypass"})


def test_a_server_that_starts_again_is_the_same(
    own: Redis, other_server: MariaDB, tmp_path: Path
) -> None:
    with twins(tmp_path / "db.sock", other_server) as two:
        two.copy("star")
        two.lead_to_other()
        forget_who_we_are()
        assert hit()[:2] == ({OLD}, {"miss"})
        connections.close_all()
        other_server.stop()
        other_server.start()
        forget_who_we_are()
        assert hit()[:2] == ({OLD}, {"hit"})


def test_after_a_failover_another_server_is_another_database(own: Redis, servers: Twins) -> None:
    servers.lead_to_other()
    connections.close_all()
    assert connected_hit() == ({STAGING}, {"bypass"}, {owners.REFUSAL})


def test_one_address_of_two_servers_caches_what_is_of_the_last(own: Redis, servers: Twins) -> None:
    """A thread has its connection to the first yet, and the others have moved on."""
    the_owner_is_gone(own)
    servers.lead_to_other()
    assert elsewhere(connected_hit)[:2] == ({STAGING}, {"miss"})
    assert elsewhere(connected_hit)[:2] == ({STAGING}, {"hit"})
    assert hit() == ({OLD}, {"bypass"}, {owners.STRAYED})
    connection.close()
    assert connected_hit()[:2] == ({STAGING}, {"hit"})


def test_where_the_operator_names_the_database_it_is_the_same_on_any_server(
    own: Redis, servers: Twins, settings: Any
) -> None:
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "DATABASE_ID": "planets of production"}
    the_owner_is_gone(own)
    assert hit()[:2] == ({OLD}, {"miss"})
    servers.lead_to_other()
    connections.close_all()
    assert connected_hit()[:2] == ({OLD}, {"hit"})  # a replica has the same rows


def test_the_owner_is_named_though_redis_is_full(own: Redis) -> None:
    with own.client() as direct:
        direct.config_set("maxmemory", 1)
        both()
        assert direct.get(keys.owner(keys.database_gate("default")))


def test_a_file_that_was_replaced_is_another_database(tmp_path: Path) -> None:
    def told() -> str:
        connection = DatabaseWrapper({"NAME": str(path)}, "file")
        return owners._ask(connection)

    path = tmp_path / "db.sqlite3"
    path.write_bytes(b"")
    first = told()
    assert told() == first
    (tmp_path / "restored").write_bytes(b"")
    (tmp_path / "restored").rename(path)
    assert told() != first
