"""Machines ask by address and without TLS; strangers ask by any name, and may not fill the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.test import AsyncClient, Client

from planetsite.logs import LONGEST, Sparingly
from tests.support.gunicorn import served

pytestmark = pytest.mark.django_db(transaction=True)

BY_ADDRESS = {"Host": "10.0.0.5:8000"}
TOKEN = {"Authorization": "Bearer tests"}


@pytest.mark.once
def test_probes_are_answered_whatever_the_host_and_other_pages_are_not(
    redis: Any, tmp_path: Path
) -> None:
    with served(tmp_path) as site:
        for path in ("/healthz", "/readyz"):
            assert site.get(path, **BY_ADDRESS).status == 200
        assert site.get("/metrics", **BY_ADDRESS).status == 403
        assert site.get("/metrics", **BY_ADDRESS, **TOKEN).status == 200
        assert site.log == []

        for host in ("10.0.0.5", "x" * 8000, "a\\nb", "") * 10:
            assert site.get("/planets/3/", Host=host).status == 400
        for _ in range(10):  # a form without its token
            assert site.post("/admin/login/\x1b[2J").status == 403
        assert len(site.log) == 2, site.log
        assert max(map(len, site.log)) < LONGEST + 100


@pytest.fixture
def strict(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["planets.example.org"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_needs_neither_tls_nor_a_name(redis: Any, strict: None, path: str) -> None:
    assert Client().get(path, headers=BY_ADDRESS).status_code == 200
    assert Client().head(path, headers=BY_ADDRESS).status_code == 200
    assert Client().post(path, headers=BY_ADDRESS).status_code == 405


@pytest.mark.asyncio
async def test_nor_under_asgi(redis: Any, strict: None, async_database: None) -> None:
    client = AsyncClient(headers=BY_ADDRESS)
    for path in ("/healthz", "/readyz"):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/metrics", headers=TOKEN)).status_code == 200
    assert (await client.post("/healthz")).status_code == 405
    assert (await client.get("/", secure=True)).status_code == 400


@pytest.mark.parametrize("path", ["/healthz/", "/healthz/x", "/Healthz"])
def test_only_their_own_addresses_are_probes(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.asyncio
async def test_metrics_and_readyz_do_not_wait_for_the_threads_of_pages(
    redis: Any, monkeypatch: pytest.MonkeyPatch, async_database: None
) -> None:
    sensitive = []
    call = SyncToAsync.__call__

    async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        sensitive.append((getattr(self.func, "__name__", ""), self._thread_sensitive))
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    for path in ("/healthz", "/readyz", "/metrics"):
        await AsyncClient().get(path, headers=TOKEN)
    assert {
        name: where for name, where in sensitive if name in ("healthz", "readyz", "metrics")
    } == {
        "readyz": False,
        "metrics": False,
    }


def test_metrics_without_a_token_are_for_debug_alone(redis: Any, settings: Any) -> None:
    """Behind a proxy that names no client, everybody comes from this machine."""
    settings.CACHE_ASIDE = {"METRICS_TOKEN": ""}
    assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    settings.DEBUG = True
    assert Client().get("/metrics").status_code == 200


def record(name: str, text: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, text, (), (ValueError, ValueError(), None))


def test_the_first_line_is_kept_and_the_rest_is_counted() -> None:
    sparingly = Sparingly(["django.security"], every=3600)
    first = record("django.security.DisallowedHost", "Invalid\nhost")
    assert sparingly.filter(first)
    assert (first.getMessage(), first.exc_info) == (r"Invalid\nhost", None)
    for _ in range(3):
        assert not sparingly.filter(record("django.security.DisallowedHost", "again"))
    assert sparingly.filter(record("django.security.csrf", "of another kind"))

    sparingly._quiet = {name: (0, count) for name, (_, count) in sparingly._quiet.items()}
    later = record("django.security.DisallowedHost", "later")
    assert sparingly.filter(later)
    assert later.getMessage() == "later (and 3 more since the last such line)"


def test_other_loggers_keep_every_line_and_its_traceback() -> None:
    sparingly = Sparingly(["django.security"])
    for name in ("django.request", "django.securityx", "django"):
        for _ in range(2):
            error = record(name, "a\nb")
            assert sparingly.filter(error)
            assert error.exc_info
