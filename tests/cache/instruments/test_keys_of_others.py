"""Keys of other programs in the same Redis: counted, and nothing else is told of them.

Who may look at the cache may not therefore be anybody: with sessions in the same Redis, the name of
a key is all that it takes to be the one who is logged in.
"""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.core.management import CommandError, call_command
from django.urls import reverse

from planets.cache.instruments.browsing import Wanted, browse
from planets.cache.instruments.inspection import opened
from planets.cache.instruments.keyspace import sample
from planets.cache.instruments.overview import overview
from tests.cache.zoo.records import star
from tests.support.admin import logged_in, text

SESSION = ":1:django.contrib.sessions.cacheu7w0bkcbv4c1kqxj3o2b6vxl0f2yqkz3"
OTHERS = (
    *(SESSION, "celery", "star:electra", "sqlite:1", "generation", "lock:gen:x", "*"),
    # The words that our own names begin with are everybody's.
    *("page:home", "value:token", "fragment:menu", "sql:1", "run:job", "stat:users"),
    *(
        "lease:x",
        "lease:{x}",
        f"lease:{{{SESSION}}}",
        "gen:of another site:planet",
        f"page:{SESSION}",
    ),
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_pages")]


@pytest.fixture(autouse=True)
def among_others(redis: Any) -> None:
    star(3)
    redis.mset(dict.fromkeys(OTHERS, "a secret"))


@pytest.mark.parametrize("pattern", ["*", "*session*", SESSION, SESSION[:-1] + "?", "*[a-z]*"])
def test_they_are_listed_by_no_pattern(pattern: str) -> None:
    assert not {key.name for key in browse(Wanted(text=pattern)).keys} & {*OTHERS}


def test_what_a_page_says_does_not_tell_whether_a_pattern_matches_one(redis: Any) -> None:
    """Or a name could be guessed letter by letter."""
    assert browse(Wanted(text=SESSION[:-1] + "?")) == browse(Wanted(text=SESSION[:-1] + "_"))


def test_the_sample_counts_them_and_asks_nothing_else() -> None:
    found = sample()
    assert found.others == len(OTHERS)
    assert found.size == found.total
    assert found.kinds()[-1].count == len(OTHERS)
    assert "session" not in json.dumps(overview().as_dict())


@pytest.mark.parametrize("name", OTHERS)
def test_they_are_not_opened(name: str) -> None:
    with pytest.raises(ValueError, match="not a key of this cache"):
        opened(name)
    with pytest.raises(CommandError, match="not a key of this cache"):
        call_command("show_cache", "--key", name)


def test_the_commands_list_none_of_them() -> None:
    out = StringIO()
    call_command("show_cache", "--keys", "*", stdout=out)
    call_command("show_cache", stdout=out)
    call_command("show_cache", "--keys", "*", "--format", "json", stdout=out)
    assert "session" not in out.getvalue()
    assert "celery" not in out.getvalue()


def test_the_pages_of_the_admin_show_none_of_them() -> None:
    viewer = logged_in("view_cache")
    overview_page = reverse("admin:cache_aside_cache_changelist")
    keys_page = reverse("admin:cache_aside_cache_keys")
    for address in (overview_page, keys_page, f"{keys_page}?pattern=session"):
        shown = text(viewer.get(address))
        assert SESSION not in shown
        assert "celery" not in shown
    key_page = reverse("admin:cache_aside_cache_change", args=[quote(SESSION)])
    response = viewer.get(key_page)
    assert response.status_code == 400
    assert "a secret" not in text(response)
