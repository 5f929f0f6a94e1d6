"""The site runs with a Redis user who may do what the docs say, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.support.outage import another_redis, use
from tests.support.permissions import permit, told_by_the_docs
from tests.support.servers import Redis

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]

LIMITS: dict[str, Any] = {"maxmemory": "50mb", "maxmemory-policy": "volatile-lfu"}


@pytest.fixture
def least(settings: Any) -> Iterator[Redis]:
    with another_redis(settings, **LIMITS) as server:
        use(settings, permit(server, told_by_the_docs()))
        yield server
        use(settings, server.url)


def test_pages_an_editor_and_an_operator_need_no_more(
    least: Redis, admin_client: Client, caplog: Any
) -> None:
    visitor = Client()
    for address in ("/", "/planets/3/", "/moons/?q=a", "/compare/?planets=3,4", "/planets/99/"):
        for _ in range(2):
            assert visitor.get(address).status_code in (200, 404)
    with least.client(db=1) as direct:
        kinds = {key.partition(b":")[0] for key in direct.scan_iter()}
    assert {b"sql", b"gen", b"page", b"planet"} <= kinds

    form = admin_client.get("/admin/planets/planet/3/change/").context["adminform"].form
    posted = {name: "" if v is None else v for name, v in form.initial.items()} | {"name": "Terra"}
    inlines = {"moons-TOTAL_FORMS": 0, "moons-INITIAL_FORMS": 0}
    saved = admin_client.post("/admin/planets/planet/3/change/", posted | inlines)
    assert saved.status_code == 302, saved.context["errors"]
    assert "Terra" in visitor.get("/planets/3/").content.decode()
    assert "Terra" in visitor.get("/").content.decode()

    for page in ("changelist", "keys"):
        shown = admin_client.get(reverse(f"admin:cache_aside_cache_{page}"))
        assert "page:" in shown.content.decode()
    out = StringIO()
    call_command("show_cache", stdout=out)
    assert "planet" in out.getvalue()
    found = StringIO()
    call_command("check", deploy=True, tags=["redis"], stdout=found, stderr=found)
    assert "no issues" in found.getvalue()
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert not [line for line in told if "Redis" in line]
