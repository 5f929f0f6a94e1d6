"""The wheel, installed into the project that docs/own-project.md makes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.support.program import ROOT, database
from tests.support.shop import Shop, build

pytestmark = [pytest.mark.once, pytest.mark.mysql]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def migrated(shop: Shop) -> Iterator[Shop]:
    """On a new database of this run's server."""
    import MySQLdb

    settings = database(ENGINE="django.db.backends.mysql", NAME=f"shop_{os.getpid()}")
    shop = shop._replace(database=settings)
    parameters: dict[str, Any] = connection.get_connection_params()
    at = {name: parameters.get(name) for name in ("user", "passwd", "unix_socket", "host", "port")}
    at = {name: value for name, value in at.items() if value}
    with closing(MySQLdb.connect(**at)) as server:
        try:
            server.cursor().execute(f"CREATE DATABASE {settings['NAME']} CHARACTER SET utf8mb4")
        except MySQLdb.OperationalError as error:
            pytest.skip(f"no second database may be made on TEST_DB_HOST: {error}")
        try:
            done = shop.manage("migrate")
            assert done.status == 0, done.error
            assert "Applying cache_aside.0001_initial... OK" in done.out
            yield shop
        finally:
            server.cursor().execute(f"DROP DATABASE {settings['NAME']}")


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in found if "__pycache__" not in path}


def test_the_wheel_is_complete_and_alone(shop: Shop) -> None:
    with shop.program() as program:
        program("import cache_aside, django; django.setup()")
        found = Path(program("cache_aside.__file__")).parent
        assert shop.folder in found.parents
        assert program("__import__('importlib.util').util.find_spec('planets')") is None
    assert files(found) == files(ROOT / "planets" / "cache")
    assert {"py.typed", "storage/lua/claim.lua", "migrations/0001_initial.py"} <= files(found)
    assert shop.manage("findstatic", "cache_aside/panel.css").status == 0
    assert shop.manage("makemigrations", "--check", "--dry-run").status == 0


def test_a_write_of_a_process_that_never_read_is_seen_by_all_reads(
    redis: Any, migrated: Shop
) -> None:
    with migrated.program() as reader, migrated.program() as writer:
        for program in (reader, writer):
            program("import django; django.setup()")
            program("from atlas.models import City")
        reader("from cache_aside import fetch")
        reader("from cache_aside.testing import *")
        reader("listening = fetches(); heard = listening.__enter__()")
        writer("from django.db import connection, transaction")

        def read() -> tuple[list[Any], set[str]]:
            """What each way to read gives, and the outcomes."""
            reader("heard.clear()")
            names = [
                reader("City.objects.cached().get(name__startswith='R').name"),
                reader("City.records.get(1).name"),
                reader("fetch('SELECT name FROM atlas_city')[0]['name']"),
            ]
            return names, set(reader("[event.outcome for event in heard]"))

        reader("City.objects.create(pk=1, name='Rome')")
        assert read() == (["Rome"] * 3, {"miss"})
        assert read() == (["Rome"] * 3, {"hit"})
        writer("City.objects.filter(pk=1).update(name='Roma')")
        assert read() == (["Roma"] * 3, {"miss"})
        assert read() == (["Roma"] * 3, {"hit"})
        writer("City(pk=1, name='Rom').save()")
        assert read() == (["Rom"] * 3, {"miss"})
        writer("connection.cursor().execute(\"UPDATE atlas_city SET name = 'Rzym'\")")
        assert read() == (["Rzym"] * 3, {"miss"})
        writer("block = transaction.atomic(); block.__enter__()")
        writer("City.objects.update(name='Rooma')")
        assert read()[0] == ["Rzym"] * 3
        writer("block.__exit__(None, None, None)")
        assert read() == (["Rooma"] * 3, {"miss"})


def test_pages_tell_of_the_cache(redis: Any, migrated: Shop) -> None:
    with migrated.program() as program:
        program("import django; django.setup()")
        program("from django.contrib.auth.models import User")
        program("from django.test import Client; from atlas.models import City")
        program("City.objects.create(pk=1, name='Rome'); client = Client(SERVER_NAME='localhost')")
        program("client.force_login(User.objects.create_superuser('editor'))")
        program("def get(path):\n    return client.get(path).content.decode()")

        get = "client.get('/cities/1/')"
        assert program(f"{get}.headers['Cache-Status']").startswith("cache-aside; fwd=miss")
        assert 'detail="3 hits"' in program(f"{get}.headers['Cache-Status']")

        whole = "client.get('/cities/')"
        assert program(f"{whole}.headers['Cache-Status']").startswith("cache-aside; fwd=miss")
        assert program(f"{whole}.headers['Cache-Status']").startswith("cache-aside; hit; ")
        program("City.objects.update(name='Roma')")
        assert "Roma" in program("get('/cities/')")

        program("get('/cities/1/')")
        page = program("get('/cities/1/')")
        assert "Roma: 0 of 1 cities are larger" in page
        assert "Cache-aside" in page
        assert "3 fetches: 3 hits" in page
        shown = re.search(r'data-request-id="(\w+)"', page)
        assert shown
        panel = program(
            f"get('/__debug__/render_panel/?request_id={shown[1]}&panel_id=CacheAsidePanel')"
        )
        assert "atlas_city:1" in panel

        assert "Hit ratio" in program("get('/admin/cache_aside/cache/')")
        assert 'cache_aside_fetches_total{kind="record",outcome="hit"}' in program(
            "get('/metrics')"
        )


def test_the_commands_run_and_name_the_extra_that_they_miss(
    redis: Any, migrated: Shop, tmp_path: Path
) -> None:
    assert migrated.manage("check") == (
        0, "System check identified no issues (0 silenced).\n", ""
    )  # fmt: skip
    warmed = migrated.manage("warm_cache")
    assert (warmed.status, warmed.error) == (0, "")
    assert "Hit ratio" in migrated.manage("show_cache").out
    invalidated = migrated.manage("invalidate_cache", "atlas_city").out
    assert f"Invalidated gen:{migrated.database['NAME']}:atlas_city\n" in invalidated
    for command in (["measure_cache", "--yes", "--url", "/cities/1/"], ["tune_cache"]):
        assert migrated.manage(*command, "--report", str(tmp_path)) == (
            1,
            "",
            "CommandError: pygal is not installed: pip install 'django-cache-aside[lab]'\n",
        )


def test_two_workers_of_pytest_do_not_meet_in_redis(redis: Any, shop: Shop) -> None:
    done = shop.run("-m", "pytest", "-q", "-n", "2", "--dist", "each", "-p", "no:cacheprovider")
    assert done.status == 0, done.out + done.error
    assert "6 passed" in done.out  # each of three in each of two
    assert redis.keys("*test-*") == []


def test_two_processes_of_manage_test_do_not_meet_in_redis(redis: Any, shop: Shop) -> None:
    done = shop.manage("test", "--parallel", "2")
    assert done.status == 0, done.out + done.error
    assert "Ran 3 tests" in done.error
    assert redis.keys("*test-*") == []


def test_the_plugin_leaves_a_project_without_django_alone(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    done = shop.run(
        "-m", "pytest", "-q", "-W", "error", "--rootdir", str(tmp_path), str(tmp_path),
        DJANGO_SETTINGS_MODULE="",
    )  # fmt: skip
    assert done.status == 0, done.out + done.error
