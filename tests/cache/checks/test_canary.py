"""`check --deploy` sends what the cache sends, and names what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import checks

from tests.support.outage import another_redis, use
from tests.support.permissions import permit, told_by_the_docs
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RULES = told_by_the_docs()
COMMANDS = [rule for rule in RULES if rule.startswith("+")]
PATTERNS = [rule for rule in RULES if rule.startswith("~")]
GOOD: dict[str, Any] = {"maxmemory": "50mb", "maxmemory-policy": "volatile-lfu"}


def told() -> dict[str, list[str]]:
    """Message and hint of each finding, by its id."""
    found: dict[str, list[str]] = {}
    for message in checks.run_checks(tags=["redis"], include_deployment_checks=True):
        found.setdefault(str(message.id), []).append(f"{message.msg} {message.hint}")
    return found


@pytest.fixture(scope="module")
def bounded() -> Iterator[Redis]:
    with Redis(**GOOD) as server:
        yield server


def of_a_user(settings: Any, server: Redis, rules: list[str]) -> dict[str, list[str]]:
    usual, on = settings.CACHES, settings.CACHE_ASIDE
    settings.CACHE_ASIDE = {**on, "NEAR": True, "HISTORY": 10}
    use(settings, permit(server, rules))
    try:
        return told()
    finally:
        settings.CACHES, settings.CACHE_ASIDE = usual, on


def test_what_the_docs_permit_is_clean_and_leaves_nothing(settings: Any, bounded: Redis) -> None:
    assert of_a_user(settings, bounded, RULES) == {}
    with bounded.client(db=1) as direct:
        left = {key.partition(b":")[0] for key in direct.scan_iter()}
    assert left <= {b"owner", b"stat"}  # of which the second has a second to live


def test_with_a_prefix_before_each_pattern_it_is_clean_too(settings: Any, bounded: Redis) -> None:
    settings.CACHE_ASIDE = {"PREFIX": "shop:"}
    rules = [rule.replace("~", "~shop:") for rule in RULES]
    assert of_a_user(settings, bounded, rules) == {}
    without = [rule for rule in rules if rule != "~shop:page:*"]
    assert "~shop:page:*" in of_a_user(settings, bounded, without)["cache_aside.E010"][0]


@pytest.mark.parametrize("missing", COMMANDS)
def test_each_command_of_the_docs_is_needed(settings: Any, bounded: Redis, missing: str) -> None:
    found = of_a_user(settings, bounded, [rule for rule in RULES if rule != missing])
    if missing == "+info":
        assert [*found] == ["cache_aside.W010"]
        return
    assert found.keys() & {"cache_aside.E010", "cache_aside.W011"}
    hints = " ".join(text for texts in found.values() for text in texts)
    assert f"ACL SETUSER <user> {missing}" in hints


@pytest.mark.parametrize("missing", PATTERNS)
def test_each_pattern_of_the_docs_is_needed(settings: Any, bounded: Redis, missing: str) -> None:
    found = of_a_user(settings, bounded, [rule for rule in RULES if rule != missing])
    assert "cache_aside.E010" in found
    hints = " ".join(found["cache_aside.E010"])
    assert "Permit the keys" in hints
    assert missing in hints


def test_a_replica_refuses(own: Redis) -> None:
    with Redis(tcp=True) as primary, own.client() as direct:
        direct.replicaof("127.0.0.1", primary.port)
        wait_until(lambda: direct.info("replication")["master_link_status"] == "up")
        assert "use the primary's address" in told()["cache_aside.E006"][0]
        direct.replicaof("NO", "ONE")


def test_one_that_takes_no_writes_refuses(own: Redis) -> None:
    with own.client() as direct:
        direct.config_set("min-replicas-to-write", 1)
        assert "It takes no writes" in told()["cache_aside.E010"][0]
        direct.config_set("min-replicas-to-write", 0)


def test_one_that_is_full_is_told_of_its_policy_alone(settings: Any) -> None:
    with another_redis(settings, **{"maxmemory-policy": "noeviction"}) as full:
        with full.client() as direct:
            direct.config_set("maxmemory", 1)
        assert [*told()] == ["cache_aside.W007"]
