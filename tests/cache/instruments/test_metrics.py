"""/metrics: each count and time of the layer, for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import planets.cache
from planets.cache.instruments import metrics
from tests.cache.zoo.models import Star
from tests.support.metrics import metric

LAYER = Path(planets.cache.__file__).parent
TOKEN = {"Authorization": "Bearer tests"}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "zoo_pages"),
]


def get(address: str, **headers: Any) -> Any:
    return Client().get(address, **headers)


def test_metrics_count_what_was_done(redis: Any) -> None:
    before = get("/metrics", headers=TOKEN).content.decode()
    for _ in range(2):
        get("/stars/3/")
    Star.objects.filter(pk=3).update(name="Taygeta")
    after = get("/metrics", headers=TOKEN).content.decode()

    def new(name: str) -> float:
        return metric(after, name) - metric(before, name)

    assert new(r'cache_aside_fetches_total\{kind="sql",outcome="miss"\}') == 2
    assert new(r'cache_aside_fetches_total\{kind="sql",outcome="hit"\}') == 2
    assert new(r'cache_aside_fetches_total\{kind="record",outcome="hit"\}') == 1
    assert new("cache_aside_loads_total") == 3
    for what in ("load", "fill"):
        assert new(f"cache_aside_{what}_seconds_count") == 3
        assert new(f"cache_aside_{what}_seconds_sum") > 0
        # Each bucket counts what is in those below it, too.
        assert new(rf'cache_aside_{what}_seconds_bucket\{{le="\+Inf"\}}') == 3
    assert new(r'cache_aside_invalidations_total\{outcome="landed"\}') == 1
    assert metric(after, "cache_aside_redis_away") == 0


def test_metrics_are_not_for_everybody(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"METRICS_TOKEN": "token"}
    assert get("/metrics").status_code == 403
    assert get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert get("/metrics", headers={"Authorization": "Bearer token"}).status_code == 200


def test_every_count_of_the_layer_has_a_metric() -> None:
    source = "".join(path.read_text() for path in LAYER.rglob("*.py"))
    for kind, outcome in re.findall(r'stats\.count\("(\w+)", "([\w ]+)"', source):
        assert metrics._metric(kind, outcome), (kind, outcome)
    for outcome in ("hit", "near hit", "miss", "bypass", "error", "undecodable", "unencodable"):
        for kind in ("sql", "record"):
            assert metrics._metric(kind, outcome)
