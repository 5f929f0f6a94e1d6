"""On a Redis that lets nobody look at it, as managed ones are: the site works, and nothing lies."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.test import Client

from planets.cache.events import Fetch
from planets.cache.instruments.server import server
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.managed import NEVER, SOMETIMES, forbidden, renamed
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture(params=[renamed, forbidden])
def managed(request: Any, settings: Any) -> Iterator[Redis]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with request.param(settings, (*NEVER, *SOMETIMES)) as found:
        yield found


@pytest.fixture(params=[renamed, forbidden])
def scanned(request: Any, settings: Any) -> Iterator[Redis]:
    """One that lets its keys be listed, at least."""
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with request.param(settings, NEVER) as found:
        yield found


def shown(*args: str) -> str:
    out = StringIO()
    call_command("show_cache", *args, stdout=out)
    return out.getvalue()


def test_pages_are_cached_and_fresh(managed: Redis, events: list[Fetch]) -> None:
    assert both() == both() == {OLD}
    events.clear()
    assert both() == {OLD}
    assert {event.outcome for event in events} == {"hit"}
    rename()
    assert both() == both() == {NEW}


def test_show_cache_says_what_it_cannot_know_a_line_each(managed: Redis) -> None:
    both()
    text = shown()
    unknown = [line for line in text.splitlines() if line.startswith("Unknown")]
    assert [line.split(":")[0].split(maxsplit=1)[1] for line in unknown] == [
        "Redis refuses INFO",
        "Redis refuses DBSIZE",
        "Redis refuses SCAN",
    ]
    assert "0 bytes" not in text
    assert "Memory     unknown" in text
    assert "Of an unknown number of keys none is listed." in text
    told = json.loads(shown("--format", "json"))
    assert {told["server"][name] for name in ("memory", "keys", "evicted", "policy")} == {None}
    assert told["kinds"] == {}
    assert len(told["unknown"]) == 3


def test_keys_that_may_be_listed_are(scanned: Redis) -> None:
    both()
    text = shown()
    assert "All " in text
    assert "Redis does not tell what memory each key takes (MEMORY USAGE)" in text
    assert "Redis does not tell which keys are in use (OBJECT)" in text
    kinds = json.loads(shown("--format", "json"))["kinds"]
    assert kinds["record"] == {"count": 1, "bytes": None}
    assert "unknown" in shown("--key", "star:3")


def test_a_list_of_keys_is_refused_in_one_line(managed: Redis) -> None:
    with pytest.raises(CommandError, match=r"^Redis refuses SCAN$"):
        shown("--keys", "*")


def test_the_admin_shows_the_rest(managed: Redis, admin_client: Client) -> None:
    both()
    page = admin_client.get("/admin/cache_aside/cache/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Redis refuses INFO" in text
    assert "Redis cannot be had" not in text
    keys = admin_client.get("/admin/cache_aside/cache/keys/")
    assert keys.status_code == 200
    assert "Redis refuses SCAN" in keys.content.decode()


def test_the_checks_warn_in_a_line_each(managed: Redis) -> None:
    found = checks.run_checks(tags=["redis"], include_deployment_checks=True)
    assert {str(message.id) for message in found} == {"cache_aside.W010", "cache_aside.W011"}
    assert all("\n" not in message.msg for message in found)


def test_invalidating_and_warming_need_none_of_it(managed: Redis, settings: Any) -> None:
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "READS": "tests.cache.zoo.reads"}
    call_command("warm_cache", "records", stdout=StringIO())
    out = StringIO()
    call_command("invalidate_cache", "star:3", stdout=out)
    assert "Invalidated star:3" in out.getvalue()


def test_metrics_have_no_sample_of_what_is_unknown(managed: Redis, settings: Any) -> None:
    pytest.importorskip("prometheus_client")
    from planets.cache.instruments.metrics import Servers

    found = {metric.name: metric.samples for metric in Servers().collect()}
    assert [sample.value for sample in found["cache_aside_redis_up"]] == [1.0]
    assert found["cache_aside_redis_memory_bytes"] == found["cache_aside_redis_keys"] == []
    assert server().answers


def test_the_near_tier_is_off_and_says_so_once(managed: Redis, settings: Any, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "planets.cache"):
        settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "NEAR": True}
        both()
        wait_until(lambda: "near tier is off" in caplog.text)
        assert both() == {OLD}
    (line,) = [r.message for r in caplog.records if "near tier" in r.message]
    assert "this Redis cannot track keys" in line
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    assert near.tracking.thread
    near.tracking.thread.join(10)
    near.reset()  # what it has said once it may say again
