"""measure_cache --url: what each state of the cache asks for where whole pages are cached."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def test_each_state_of_a_page_asks_what_its_name_says(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"
    settings.CACHE_ASIDE = {}
    out = StringIO()
    call_command(
        "measure_cache", "--url", "/stars/", "--url", "/stars/3/", "--url", "/personal/",
        "--yes", "--rounds", "2", "--seconds", "0.01", "--threads", "1", "--format", "json",
        stdout=out,
    )  # fmt: skip
    found = {(r["read"], r["state"]): r for r in json.loads(out.getvalue())}

    def asked(url: str, state: str) -> tuple[int, int, dict[str, int]]:
        result = found[url, state]
        return result["queries"], result["commands"], result["outcomes"]

    assert asked("/stars/", "no cache") == (1, 0, {"bypass": 2})
    assert asked("/stars/", "full") == (0, 1, {"hit": 1})  # MGET of it and its gates
    assert asked("/stars/3/", "full") == (0, 2, {"hit": 1})  # and HGET of its record's token
    assert asked("/stars/", "Redis away") == (1, 0, {"bypass": 2})
    queries, commands, outcomes = asked("/stars/", "empty")
    assert (queries, outcomes) == (1, {"miss": 2})
    assert commands > 6
    # What is never kept still says so.
    assert asked("/personal/", "full")[2] == {"hit": 1, "miss": 1}
    assert "reads 'session' of the request" in found["/personal/", "full"]["reason"]
