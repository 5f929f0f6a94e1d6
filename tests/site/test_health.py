"""What an operator's machines ask: probes, and metrics of all workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from planets.models import Planet
from tests import settings as test_settings
from tests.support.interleave import elsewhere
from tests.support.metrics import metric
from tests.support.servers import Redis, free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"Authorization": "Bearer tests"}


def get(address: str, **headers: Any) -> Any:
    """From a thread of its own, whose database connection is new."""
    return elsewhere(lambda: Client().get(address, **headers))


def test_all_is_well(redis: Any) -> None:
    assert get("/healthz").json() == {"status": "ok"}
    response = get("/readyz")
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_without_redis_it_is_degraded_and_served(own: Redis) -> None:
    own.stop()
    response = get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "database": "ok", "redis": "away"}


def test_without_the_database_it_is_not_ready(redis: Any, database_away: None) -> None:
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
                asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=TOKEN)
                with urllib.request.urlopen(asked) as response:
                    return str(response.read().decode())

            def answers() -> bool:
                try:
                    return bool(ask("/healthz"))
                except OSError:
                    return False

            wait_until(answers)
            for _ in range(40):
                ask("/planets/3/?once")  # no page is stored of that address

            def all_counted() -> bool:
                return metric(ask("/metrics"), "cache_aside_fetches_total") == 160

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
