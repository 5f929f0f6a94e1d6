"""What a watcher tells, in each place where one looks for it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.test import RequestFactory

from planets.cache.instruments.metrics import metrics
from planets.cache.instruments.overview import overview
from planets.cache.storage import keys
from planets.cache.watching.state import State, states, trouble

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def tell(redis: Any, **more: Any) -> None:
    state = State(watching=True, at=time.time(), position="binlog.000001:4", outside=7)
    for name, value in more.items():
        setattr(state, name, value)
    redis.set(keys.watcher("default", "state"), state.text())


def test_without_a_watcher_nothing_is_said(redis: Any) -> None:
    assert states() == {}
    assert trouble() == ""


def test_one_that_should_be_there_is_missed(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"WATCH_LAG": 5}
    assert trouble() == "no watcher has been here"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ""),
        ({"lag": 9.0}, "the watcher is 9.0 s behind"),
        ({"at": 1.0}, "no watcher since"),
        ({"watching": False}, "no watcher since"),
    ],
)
def test_what_is_wrong(redis: Any, settings: Any, more: dict[str, Any], expected: str) -> None:
    settings.CACHE_ASIDE = {"WATCH_LAG": 5}
    tell(redis, **more)
    assert trouble().startswith(expected)
    assert bool(trouble()) == bool(expected)


@pytest.mark.parametrize("text", ["nonsense", "[]", "3", '"x"', "null"])
def test_what_is_no_state(redis: Any, text: str) -> None:
    redis.set(keys.watcher("default", "state"), text)
    assert states() == {}


def test_show_cache(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tell(redis, lag=3.0)
    call_command("show_cache")
    assert "7 outside" in capsys.readouterr().out
    call_command("show_cache", format="json")
    assert json.loads(capsys.readouterr().out)["watchers"]["default"]["outside"] == 7
    assert overview().watchers["default"].lag == 3.0


def test_the_admins_page(redis: Any, admin_client: Any) -> None:
    tell(redis)
    page = admin_client.get("/admin/cache_aside/cache/").content.decode()
    assert "7 outside" in page


def test_metrics(redis: Any, settings: Any) -> None:
    tell(redis, lag=3.0)
    settings.DEBUG = True
    settings.CACHE_ASIDE = {"METRICS_TOKEN": ""}
    text = metrics(RequestFactory().get("/metrics")).content.decode()
    assert 'cache_aside_watcher_up{database="default"} 1.0' in text
    assert 'cache_aside_watcher_lag_seconds{database="default"} 3.0' in text
    assert 'cache_aside_watcher_writes_total{by="outside",database="default"} 7.0' in text


def test_its_keys_are_known_for_what_they_are(redis: Any) -> None:
    tell(redis)
    assert keys.kind(keys.watcher("default", "state")) == "watcher"
