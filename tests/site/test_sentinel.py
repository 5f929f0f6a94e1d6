"""Behind sentinels, which the site knows by its URL alone: no failed page, and none stale."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.support.gunicorn import Answer, Site, served
from tests.support.program import Program
from tests.support.sentinels import SERVICE, watched_servers
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]
PAGE = "/planets/3/"
HIT = "planets; hit"
# Seconds that a page may take while the primary goes: three of its timeouts, on a busy machine.
PATIENCE = 5.0


class Editor:
    """Another process of the site, which writes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        program("import django; django.setup(); from planets.models import Planet")

    def rename(self, name: str) -> None:
        self.program(f"Planet.objects.filter(pk=3).update(name={name!r})")


@contextmanager
def site_and_editor(folder: Path, url: str) -> Iterator[tuple[Site, Editor]]:
    with (
        served(folder, REDIS_URL=url, CACHE_STATUS="on") as site,
        Program(
            REDIS_URL=url,
            DB_NAME=connection.settings_dict["NAME"],
            DJANGO_SETTINGS_MODULE="tests.settings",
        ) as program,
    ):
        yield site, Editor(program)


@contextmanager
def visitors(site: Site) -> Iterator[list[Answer]]:
    """Somebody reads the page all the time; what he got."""
    got: list[Answer] = []
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            got.append(site.get(PAGE))
            over.wait(0.01)

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield got
    finally:
        over.set()
        thread.join()


def is_hit(site: Site) -> bool:
    return str(site.get(PAGE).headers["Cache-Status"]).startswith(HIT)


def reads(site: Site, name: str) -> bool:
    return f"<h1>{name}</h1>" in site.get(PAGE).body


def check_pages(got: list[Answer]) -> None:
    assert got
    assert {answer.status for answer in got} == {200}
    assert max(answer.seconds for answer in got) < PATIENCE


def test_a_primary_that_is_killed_fails_no_page_and_leaves_nothing_stale(tmp_path: Path) -> None:
    with (
        watched_servers() as redis,
        # One of the sentinels that it names is not there.
        site_and_editor(tmp_path, redis.url().replace("//", "//127.0.0.1:1,")) as (site, editor),
    ):
        wait_until(lambda: is_hit(site))
        editor.rename("Terra")
        assert reads(site, "Terra")
        wait_until(lambda: is_hit(site))
        with visitors(site) as got:
            redis.primary.stop(signal.SIGKILL)
            editor.rename("Gaia")  # nobody can be told
            assert reads(site, "Gaia")
            redis.wait_for_primary(redis.replica)
            wait_until(lambda: is_hit(site))
            assert reads(site, "Gaia")
            editor.rename("Tellus")
            assert reads(site, "Tellus")
            wait_until(lambda: is_hit(site))
        check_pages(got)

        redis.primary.start()  # it is made a replica
        redis.wait_for_primary(redis.replica)
        with visitors(site) as got, redis.sentinels[0].client() as sentinel:
            sentinel.sentinel_failover(SERVICE)  # and a primary again, while the other lives
            redis.wait_for_primary(redis.primary)
            editor.rename("Earth")
            assert reads(site, "Earth")
            wait_until(lambda: is_hit(site))
            assert reads(site, "Earth")
        check_pages(got)


def test_a_replica_is_never_asked(tmp_path: Path) -> None:
    """It may be late, and what it served would be stale."""
    with watched_servers() as redis, site_and_editor(tmp_path, redis.url()) as (site, editor):
        wait_until(lambda: is_hit(site))
        editor.rename("Terra")
        assert reads(site, "Terra")
        # Nor by Django's own cache, which is the same one.
        editor.program("from django.core.cache import cache; cache.set('x', 1)")
        assert editor.program("{cache.get('x') for _ in range(20)}") == "{1}"
        with redis.replica.client() as client:
            asked = client.info("commandstats")
        assert not {"cmdstat_get", "cmdstat_mget", "cmdstat_hgetall"} & set(asked)


def test_sentinels_that_are_all_away_are_short_lines_in_the_log(tmp_path: Path) -> None:
    url = "redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/mymaster"
    with served(tmp_path, REDIS_URL=url, REDIS_SENTINEL_PASSWORD="secret") as site:
        check_pages([site.get(PAGE) for _ in range(5)])
        told = [line for line in site.log if "mymaster" in line]
        assert told
        assert max(map(len, told)) < 200, told
        assert "secret" not in "".join(site.log)
