"""What an operator's machines ask: probes, metrics, the header of each response."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from planets.cache.instruments import metrics
from planets.cache.instruments.cache_status import header
from planets.cache.instruments.watch import Watch
from planets.models import Planet

from . import settings as test_settings
from .interleave import elsewhere
from .servers import Redis, free_port
from .test_middleware import database_away  # noqa: F401  a fixture
from .test_outage import own, wait_until  # noqa: F401  a fixture

CACHE_STATUS = "planets.cache.instruments.cache_status.CacheStatusMiddleware"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

ROOT = Path(__file__).resolve().parent.parent


def get(address: str, **headers: Any) -> Any:
    """From a thread of its own, whose database connection is new."""
    return elsewhere(lambda: Client().get(address, **headers))


def test_all_is_well(redis: Any) -> None:
    assert get("/healthz").json() == {"status": "ok"}
    response = get("/readyz")
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_without_redis_it_is_degraded_and_served(own: Redis) -> None:  # noqa: F811
    own.stop()
    response = get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "database": "ok", "redis": "away"}


def test_without_the_database_it_is_not_ready(redis: Any, database_away: None) -> None:  # noqa: F811
    response = get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "away", "redis": "ok"}
    assert get("/healthz").status_code == 200


@pytest.mark.mysql
def test_a_database_that_has_stopped_answering_is_not_waited_for(redis: Any) -> None:
    mariadb = getattr(test_settings, "mariadb", None)
    if mariadb is None:
        pytest.skip("TEST_DB_HOST names a database that is not ours to stop")

    def ask_again() -> int:
        assert Client().get("/readyz").status_code == 200
        Planet.objects.exists()  # as a worker has a connection open
        mariadb.pause()
        return Client().get("/readyz").status_code

    try:
        assert elsewhere(ask_again) == 503
    finally:
        mariadb.resume()
    assert get("/readyz").status_code == 200


def metric(text: str, name: str) -> float:
    return sum(float(v) for v in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.M))


def test_metrics_count_what_was_done(redis: Any) -> None:
    before = get("/metrics").content.decode()
    for _ in range(2):
        get("/planets/3/")
    Planet.objects.filter(pk=3).update(name="Terra")
    after = get("/metrics").content.decode()

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
    assert get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    assert get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 403
    settings.CACHE_ASIDE = {"METRICS_TOKEN": "token"}
    assert get("/metrics").status_code == 403
    assert get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert get("/metrics", headers={"Authorization": "Bearer token"}).status_code == 200


def test_every_count_of_the_layer_has_a_metric() -> None:
    source = "".join(path.read_text() for path in (ROOT / "planets" / "cache").glob("*.py"))
    for kind, outcome in re.findall(r'stats\.count\("(\w+)", "([\w ]+)"', source):
        assert metrics._metric(kind, outcome), (kind, outcome)
    for outcome in ("hit", "near hit", "miss", "bypass", "error", "undecodable", "unencodable"):
        for kind in ("sql", "record"):
            assert metrics._metric(kind, outcome)


@pytest.mark.mysql
def test_workers_are_counted_together_and_also_after_one_has_ended(
    redis: Any, tmp_path: Path
) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "BIND": f"127.0.0.1:{port}",
        "WORKERS": "2",
        "DB_NAME": connections["default"].settings_dict["NAME"],
        "ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "gunicorn", "planetsite.wsgi"]
    with subprocess.Popen(
        [*command, "--config", "python:planetsite.gunicorn", "--log-level", "error"],
        cwd=ROOT,
        env=environment,
    ) as gunicorn:
        try:

            def ask(path: str) -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
                    return str(response.read().decode())

            def answers() -> bool:
                try:
                    return bool(ask("/healthz"))
                except OSError:
                    return False

            wait_until(answers)
            for _ in range(40):
                ask("/planets/3/")

            def all_counted() -> bool:
                return metric(ask("/metrics"), "cache_aside_fetches_total") == 120

            wait_until(all_counted)

            worker = int(next(tmp_path.glob("*/counter_*.db")).stem.split("_")[1])
            os.kill(worker, signal.SIGTERM)
            wait_until(lambda: not Path(f"/proc/{worker}").exists())
            wait_until(all_counted)
            after = ask("/metrics")
            timed = metric(after, "cache_aside_load_seconds_count")
            assert timed == metric(after, "cache_aside_loads_total") > 0
            assert gunicorn.poll() is None
        finally:
            gunicorn.terminate()
    assert not list(tmp_path.glob("planets-metrics-*"))


def test_the_header_of_a_page(redis: Any, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "planets.cache.instruments.cache_status.CacheStatusMiddleware",
        *settings.MIDDLEWARE,
    ]
    assert get("/planets/3/")["Cache-Status"] == 'planets; fwd=miss; detail="3 misses"'
    assert re.fullmatch(
        r'planets; hit; ttl=\d+; detail="3 hits"', get("/planets/3/")["Cache-Status"]
    )
    settings.CACHE_ASIDE = {"ENABLED": False, "NAME": "planets"}
    assert get("/planets/3/")["Cache-Status"] == 'planets; fwd=bypass; detail="3 bypasses"'
    assert "Cache-Status" not in get("/healthz").headers


def test_the_header_needs_no_escaping() -> None:
    """Outcomes are words of ours; no key, SQL or reason gets into a header."""
    with Watch() as watch:
        list(Planet.objects.cached().filter(name='"\r\nSet-Cookie: x=1'))
    assert re.fullmatch(r'[\w; ="=]+', header(watch.fetches, watch.outcomes))
