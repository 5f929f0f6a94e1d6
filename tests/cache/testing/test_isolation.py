from __future__ import annotations

import os
import unittest
from typing import Any

import pytest
from django.conf import settings
from django.test import SimpleTestCase

from planets.cache.conf import conf
from planets.cache.storage.client import client
from planets.cache.testing import (
    IsolatedCache,
    assert_cached,
    assert_not_cached,
    configured,
    isolated,
)
from planets.cache.testing.isolation import remove
from tests.cache.zoo.models import Keeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(redis: Any) -> Keeper:
    return Keeper.objects.create(name="Ann")


def read(keeper: Keeper) -> None:
    Keeper.records.get(keeper.pk)
    Keeper.objects.cached().count()


def test_a_key_space_is_empty_at_first_and_gone_at_the_end(redis: Any, ann: Keeper) -> None:
    read(ann)
    outside = set(redis.keys())
    with isolated() as prefix:
        with assert_not_cached():
            read(ann)
        with assert_cached():
            read(ann)
        Keeper.objects.update(name="Anna")
        inside = set(redis.keys()) - outside
        assert inside
        assert all(key.startswith(prefix) for key in inside)
    assert set(redis.keys()) == outside
    with assert_cached():
        read(ann)


def test_of_two_key_spaces_neither_sees_the_other(ann: Keeper) -> None:
    with isolated() as first:
        read(ann)
        with isolated() as second, assert_not_cached():
            read(ann)
        with assert_cached():
            read(ann)
    assert first != second


def test_it_is_gone_after_an_error_too(redis: Any, ann: Keeper) -> None:
    before = set(redis.keys())

    def fail() -> None:
        read(ann)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), isolated():
        fail()
    assert set(redis.keys()) == before
    assert conf().PREFIX == ""


def test_the_worker_is_told_by_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolated() as prefix:
        assert str(os.getpid()) in prefix
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    with isolated() as prefix:
        assert "gw7" in prefix


def test_a_prefix_of_ones_own_stays_in_front(redis: Any, ann: Keeper, settings: Any) -> None:
    settings.CACHE_ASIDE = {"PREFIX": "shop*[1]:"}
    with isolated() as prefix:
        assert prefix.startswith("shop*[1]:")
        read(ann)
        assert redis.keys("shop\\*\\[1\\]:*")
    assert redis.keys("shop\\*\\[1\\]:*") == []


def test_only_what_begins_so_is_removed(redis: Any) -> None:
    for key in ("a*b:1", "a*b:2", "axb:1", "a*", "xa*b:1"):
        redis.set(key, "")
    for number in range(3000):
        redis.set(f"a*b:more:{number}", "")
    remove("a*b:")
    left = set(redis.keys())
    assert left >= {"a*", "axb:1", "xa*b:1"}
    assert not [key for key in left if key.startswith("a*b:")]


def test_settings_of_a_test_leave_the_key_space_as_it_is(redis: Any, ann: Keeper) -> None:
    with isolated() as prefix, configured(TTL=5, MAX_BYTES=10_000):
        assert (5, 10_000, prefix) == (conf().TTL, conf().MAX_BYTES, conf().PREFIX)
        assert settings.CACHE_ASIDE["NAME"] == conf().NAME
        read(ann)
        assert redis.pttl(f"{prefix}zoo_keeper:{ann.pk}") <= 5500
    assert conf().TTL == 300


def test_without_redis_it_does_no_harm(no_redis: None) -> None:
    with isolated():
        keeper = Keeper.objects.create(name="Ann")
        read(keeper)


def test_with_another_cache_it_does_no_harm(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    with isolated():
        keeper = Keeper.objects.create(name="Ann")
        read(keeper)
    assert client.debt == 0


def test_each_class_and_each_test_has_a_key_space(redis: Any) -> None:
    seen: list[str] = []

    class Case(IsolatedCache, SimpleTestCase):
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            seen.append(conf().PREFIX)

        def test_one(self) -> None:
            seen.append(conf().PREFIX)

        def test_two(self) -> None:
            seen.append(conf().PREFIX)

    result = unittest.TestResult()
    unittest.TestSuite([Case("test_one"), Case("test_two")]).run(result)

    assert result.testsRun == 2
    assert not result.errors + result.failures
    of_class, one, two = seen
    assert one != two
    assert one.startswith(of_class)
    assert two.startswith(of_class)
    assert conf().PREFIX == ""
