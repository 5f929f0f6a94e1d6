"""While the database is away the site shows the page of before, where that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planets.models import Planet
from tests.support.gunicorn import served
from tests.support.silence import silence

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]

LINE = '<p class="late" role="status">'
PAGES = ["/", "/planets/3/", "/moons/"]
WANTED = {"CACHE_STALE_IF_ERROR": "600", "CACHE_STATUS": "on", "DB_TIMEOUT": "1"}


def visible(page: str) -> str:
    return page.replace(f"<!--cache-aside-late {LINE}", "")


def test_pages_are_shown_as_they_were_and_say_so(redis: Any, tmp_path: Path) -> None:
    with served(tmp_path, **WANTED) as site:
        before = {page: site.get(page) for page in PAGES}
        assert LINE not in visible(before["/"].body)
        Planet.objects.filter(pk=3).update(name="Terra")
        with silence():
            for page in PAGES:
                late = site.get(page, **{"If-None-Match": str(before[page].headers["ETag"])})
                assert late.status == 200
                assert LINE in late.body
                assert "Earth" in late.body
                assert late.headers["Cache-Control"] == "no-store"
                assert "hit; ttl=-" in late.headers["Cache-Status"]
            assert site.get("/planets/5/").status == 503, "it was never made"
    with served(tmp_path) as site:
        assert LINE not in visible(site.get("/planets/3/").body)
        assert "Terra" in site.get("/planets/3/").body


def test_it_is_off_by_default(redis: Any, tmp_path: Path) -> None:
    with served(tmp_path, DB_TIMEOUT="1") as site:
        site.get("/planets/3/")
        Planet.objects.filter(pk=3).update(name="Terra")
        with silence():
            assert site.get("/planets/3/").status == 503
        assert not redis.keys("late:*")
