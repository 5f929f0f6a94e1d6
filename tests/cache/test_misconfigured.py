"""CACHES has no Redis for the layer: one clear error when checked, and at run time a bypass."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.checks import Error, run_checks
from django.core.management import CommandError, call_command
from django.core.signals import request_finished
from django.db import transaction

from planets.cache import fetch, invalidate
from planets.cache.events import Fetch, Invalidation, invalidated
from planets.cache.storage.client import client
from tests.cache.zoo.models import Keeper, Visitor
from tests.support.program import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
RIGHT: dict[str, Any] = {
    "BACKEND": "django_redis.cache.RedisCache",
    "LOCATION": os.environ["REDIS_URL"],
    "OPTIONS": {"SERIALIZER": "django_redis.serializers.json.JSONSerializer"},
}


class Wrong(NamedTuple):
    caches: dict[str, Any]
    reason: str  # a part of it
    check: str  # the id of the error
    aside: dict[str, Any] = {}  # noqa: RUF012


def backend(name: str, **options: Any) -> dict[str, Any]:
    return {"default": {"BACKEND": f"django.core.cache.backends.{name}", **options}}


LOCMEM = backend("locmem.LocMemCache")


def options(**options: Any) -> dict[str, Any]:
    return {"default": {**RIGHT, "OPTIONS": {**RIGHT["OPTIONS"], **options}}}


TEXT = f"{RIGHT['LOCATION']}{'&' if '?' in RIGHT['LOCATION'] else '?'}decode_responses=true"
WRONG = {
    "LocMemCache": Wrong(LOCMEM, "is a LocMemCache", "E003"),
    "DummyCache": Wrong(backend("dummy.DummyCache"), "is a DummyCache", "E003"),
    "Django's RedisCache": Wrong(
        backend("redis.RedisCache", LOCATION=RIGHT["LOCATION"]), "is a RedisCache", "E003"
    ),
    "no such alias": Wrong({"default": RIGHT}, "'redis'", "E002", {"REDIS": "redis"}),
    "no location": Wrong(
        {"default": {**RIGHT, "LOCATION": ""}}, "Missing connections string", "E008"
    ),
    "no such serializer": Wrong(options(SERIALIZER="gone.Serializer"), "gone", "E008"),
    "no such parser": Wrong(options(PARSER_CLASS="gone.Parser"), "gone", "E008"),
    "shards": Wrong(
        options(CLIENT_CLASS="django_redis.client.ShardClient"), "has a ShardClient", "E008"
    ),
    "decode_responses": Wrong(
        {"default": {**RIGHT, "LOCATION": TEXT}}, "decode_responses on", "E008"
    ),
}
ANY = pytest.mark.parametrize("wrong", list(WRONG.values()), ids=list(WRONG))
BUSY = {"HISTORY": 0.001, "WRITE_THROUGH": True, "NEAR": True}


def use(settings: Any, wrong: Wrong, **aside: Any) -> None:
    settings.CACHES, settings.CACHE_ASIDE = wrong.caches, {**wrong.aside, **aside}


def read_and_write() -> None:
    """What a request does, each read and each write in each kind of transaction."""
    ann = Keeper.objects.create(name="Ann")
    with transaction.atomic():
        ann.name = "Anna"
        ann.save()
        with transaction.atomic():
            Keeper.objects.create(name="Ben")
        assert Keeper.objects.cached().count() == 2
    with transaction.atomic():
        Visitor.objects.create(pk=1, name="Cid")
        transaction.on_commit(lambda: Visitor.objects.filter(pk=1).update(name="Cem"))
    with transaction.atomic():
        Keeper.objects.all().delete()
        transaction.set_rollback(True)
    invalidate(ann)
    invalidate(everything=True)
    assert [keeper.name for keeper in Keeper.objects.cached().order_by("pk")] == ["Anna", "Ben"]
    assert Keeper.records.get(ann.pk) == ann
    assert Keeper.records.get(99) is None
    assert Visitor.records.get(1).name == "Cem"  # type: ignore[union-attr]
    assert fetch("SELECT COUNT(*) AS n FROM zoo_keeper") == [{"n": 2}]
    request_finished.send(sender=None)


@ANY
def test_everything_works_and_each_fetch_says_why_it_is_a_bypass(
    redis: Any, settings: Any, events: list[Fetch], wrong: Wrong
) -> None:
    before = redis.keys()
    use(settings, wrong, **BUSY)

    read_and_write()

    assert {event.outcome for event in events} == {"bypass"}
    outside = [event for event in events if "this transaction" not in event.reason]
    assert len(outside) >= 5
    assert all(wrong.reason in event.reason for event in outside), events
    assert redis.keys() == before
    assert (client.debt, client.away) == (0, False)


@ANY
def test_with_caching_switched_off_everything_works_too(
    redis: Any, settings: Any, events: list[Fetch], wrong: Wrong
) -> None:
    use(settings, wrong, **BUSY, ENABLED=False)

    read_and_write()

    assert {(e.outcome, e.reason) for e in events} == {("bypass", "caching is disabled")}
    assert (client.debt, client.away) == (0, False)


@ANY
def test_one_error_says_it_when_checked(settings: Any, wrong: Wrong) -> None:
    use(settings, wrong)

    found = run_checks(include_deployment_checks=True)

    ours = [message for message in found if str(message.id).startswith("cache_aside.")]
    assert [message.id for message in ours] == [f"cache_aside.{wrong.check}"]
    assert isinstance(ours[0], Error)
    assert ours[0].hint


@pytest.mark.parametrize("name", ["LocMemCache", "no such alias"])
def test_with_caching_switched_off_it_is_a_warning(settings: Any, name: str) -> None:
    use(settings, WRONG[name], ENABLED=False)

    ours = [m for m in run_checks() if str(m.id).startswith("cache_aside.")]

    assert [message.id for message in ours] == ["cache_aside.W009"]
    assert "leaves old entries in the cache of others" in str(ours[0].hint)


def test_a_cache_made_of_that_of_django_redis_is_one(settings: Any, events: list[Fetch]) -> None:
    settings.CACHES = {"default": {**RIGHT, "BACKEND": f"{__name__}.InstrumentedCache"}}

    assert [m for m in run_checks() if m.id == "cache_aside.E003"] == []
    Keeper.objects.cached().count()
    assert [event.outcome for event in events] == ["miss"]


def __getattr__(name: str) -> Any:
    """Django imports the backend by its name."""
    if name == "InstrumentedCache":
        from django_redis.cache import RedisCache

        return type(name, (RedisCache,), {})
    raise AttributeError(name)


def test_it_is_logged_once(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    use(settings, WRONG["LocMemCache"])
    with caplog.at_level(logging.INFO, "planets.cache"):
        read_and_write()
        Keeper.objects.cached().count()
    assert [record.getMessage() for record in caplog.records] == [
        "Nothing is cached: CACHES['default'] is a LocMemCache, and must be a cache of django-redis"
    ]


def test_a_write_is_told_to_nobody(settings: Any) -> None:
    """There is no cache in which anything could have gone stale."""
    heard: list[Invalidation] = []

    def hear(event: Invalidation, **kwargs: Any) -> None:
        heard.append(event)

    invalidated.connect(hear)
    use(settings, WRONG["LocMemCache"])
    Keeper.objects.create(name="Ann")
    settings.CACHES = {"default": RIGHT}
    Keeper.objects.create(name="Ben")

    assert [event.landed for event in heard] == [True]


def test_a_right_cache_is_used_at_once(redis: Any, settings: Any, events: list[Fetch]) -> None:
    use(settings, WRONG["LocMemCache"])
    Keeper.objects.cached().count()
    settings.CACHES = {"default": RIGHT}
    Keeper.objects.cached().count()
    Keeper.objects.cached().count()
    assert [event.outcome for event in events] == ["bypass", "miss", "hit"]


@pytest.mark.parametrize("command", ["show_cache", "warm_cache", "invalidate_cache"])
def test_the_commands_say_so_in_one_line(settings: Any, command: str) -> None:
    use(settings, WRONG["LocMemCache"])
    args = ["--everything"] if command == "invalidate_cache" else []
    with pytest.raises(CommandError, match=r"^Redis is away: CACHES\['default'\] is a LocMemCache"):
        call_command(command, *args)


# --- migrate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The site with other caches, on a database of its own, in which there is nothing yet."""
    (tmp_path / "wrong.py").write_text(
        "import json, os\n"
        "from tests.settings import *\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'new.sqlite3'}}\n"
        "CACHES, CACHE_ASIDE = json.loads(os.environ['WRONG'])\n"
    )
    return tmp_path


def migrate(project: Path, wrong: Wrong, *options: str, **aside: Any) -> Any:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "migrate", "-v", "0", *options],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": f"{project}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "wrong",
            "WRONG": json.dumps([wrong.caches, {**wrong.aside, **aside}]),
        },
        capture_output=True,
        text=True,
    )


@ANY
@pytest.mark.once
def test_migrate_says_what_is_wrong_and_where_told_to_go_on_it_does(
    project: Path, wrong: Wrong
) -> None:
    if wrong.check != "E008":  # which is asked only of a deployment
        refused = migrate(project, wrong)
        assert refused.returncode == 1
        assert refused.stderr.count("cache_aside.") == refused.stderr.count(wrong.check) == 1
        assert "Traceback" not in refused.stderr

    for done in (
        migrate(project, wrong, "--skip-checks", "auth"),
        migrate(project, wrong, ENABLED=False),
    ):
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr


def test_migrate_where_no_backend_is_there_at_all(project: Path) -> None:
    """Django's own check of it raises; the layer does not."""
    wrong = Wrong({"default": {"BACKEND": "gone.Cache"}}, "gone", "")
    done = migrate(project, wrong, "--skip-checks")
    assert done.returncode == 0, done.stderr
