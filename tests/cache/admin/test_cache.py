"""Admin → Cache, asked as a browser asks it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse

from planets.cache.storage import keys
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.admin import logged_in, text
from tests.support.names import entry
from tests.support.servers import name_and_version

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_pages")]

CACHE = "/admin/cache_aside/cache/"


@pytest.fixture
def operator() -> Client:
    return logged_in("view_cache", "invalidate_cache")


def key_page(name: str) -> str:
    return reverse("admin:cache_aside_cache_change", args=[quote(name)])


def deletion(name: str) -> str:
    return reverse("admin:cache_aside_cache_delete", args=[quote(name)])


# --- who may


def test_it_stands_in_the_index_of_those_who_may_see_it(operator: Client) -> None:
    assert CACHE in text(operator.get("/admin/"))
    assert CACHE not in text(logged_in("view_star").get("/admin/"))


@pytest.mark.parametrize("path", [CACHE, CACHE + "keys/", CACHE + "star_3A3/change/"])
def test_to_look_needs_its_permission(redis: Any, path: str) -> None:
    assert logged_in("view_cache").get(path).status_code == 200
    assert logged_in("view_star", "change_star").get(path).status_code == 403
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize(
    "path", [CACHE + "invalidate/", CACHE + "invalidate-everything/", CACHE + "star_3A3/delete/"]
)
@pytest.mark.parametrize("permission", ["view_cache", "invalidate_cache"])
def test_to_invalidate_needs_both_permissions(redis: Any, path: str, permission: str) -> None:
    star(3)

    assert (
        logged_in(permission).post(path, {"gate": keys.gate("default", "star")}).status_code == 403
    )
    assert redis.exists("star:3", keys.database_gate("default")) == 2


def test_who_may_only_look_sees_no_button(redis: Any) -> None:
    star(3)
    client = logged_in("view_cache")

    for path in (CACHE, key_page("star:3")):
        assert 'method="post" action="/admin/cache_aside' not in text(client.get(path))


@pytest.mark.parametrize("path", [CACHE + "invalidate/", CACHE + "star_3A3/delete/"])
def test_to_get_changes_nothing(redis: Any, operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 405


@pytest.mark.parametrize(
    "path", [CACHE + "invalidate/", CACHE + "invalidate-everything/", CACHE + "star_3A3/delete/"]
)
def test_to_post_needs_a_token(redis: Any, path: str) -> None:
    client = logged_in("view_cache", "invalidate_cache", csrf=True)

    assert client.post(path, {"gate": keys.gate("default", "star")}).status_code == 403


# --- looking


def test_the_page_shows_server_kinds_tables_and_entries(redis: Any, operator: Client) -> None:
    star(3)
    list(Star.objects.cached().order_by("position"))
    (entry,) = redis.keys("sql:*")

    page = text(operator.get(CACHE))

    assert " ".join(name_and_version(redis)) in page
    assert '<th scope="row">record</th><td class="number">1</td>' in page
    assert 'value="' + keys.gate("default", "star") + '"' in page
    assert key_page("star:3") in page
    assert key_page(entry) in page
    assert "keys, counted just now" in page
    assert "Most recently used entries" in page


def test_the_page_shows_the_hit_ratio(redis: Any, operator: Client) -> None:
    redis.hset(keys.minute(int(time.time()) // 60), mapping={"hit": 3, "miss": 1, "bypass": 7})

    page = text(operator.get(CACHE))

    assert "<strong>75.0 %</strong> in the last hour" in page
    assert page.count('<rect class="hit"') == 2  # the ratio, and the traffic
    assert "7 bypassed the cache" in page


def test_keys_come_in_pages_by_pattern(redis: Any, operator: Client) -> None:
    redis.mset({entry(n): "x" for n in range(300)})
    star(3)

    page = text(operator.get(CACHE + "keys/", {"pattern": "star"}))
    assert key_page("star:3") in page
    assert "sql_3A" not in page

    found: set[str] = set()
    cursor = ""
    while True:
        context = operator.get(CACHE + "keys/", {"pattern": "sql:*", "cursor": cursor}).context
        found |= {key.name for key in context["keys"]}
        cursor = context["next"]
        if not cursor:
            break
    assert found == {entry(n) for n in range(300)}


def test_nonsense_for_a_cursor_is_a_bad_request(redis: Any, operator: Client) -> None:
    assert operator.get(CACHE + "keys/", {"cursor": "'"}).status_code == 400


def test_a_key_shows_sql_and_rows(redis: Any, operator: Client) -> None:
    list(Star.objects.cached().order_by("position"))
    (entry,) = redis.keys("sql:*")

    page = text(operator.get(key_page(entry)))

    assert "ORDER BY " in page
    assert "<td>Mira</td>" in page
    assert 'class="state current"' in page


def test_what_lies_in_redis_is_escaped(redis: Any, operator: Client) -> None:
    evil = keys.gate("default", "<script>alert(1)</script>")
    redis.set(evil, evil)
    redis.hset("star:3", mapping={evil: evil})
    redis.set(keys.gate("default", "").encode() + b"\xff\xfe", "binary")

    for path in (CACHE, CACHE + "keys/", key_page(evil), key_page("star:3")):
        page = text(operator.get(path))
        assert evil not in page
    assert "&lt;script&gt;" in text(operator.get(key_page(evil)))
    assert "\\xff\\xfe" in text(operator.get(CACHE + "keys/"))


def test_a_key_that_is_gone_says_so(redis: Any, operator: Client) -> None:
    assert "There is no such key" in text(operator.get(key_page("star:3")))


@pytest.mark.parametrize(
    "path", [CACHE, CACHE + "keys/", CACHE + "star_3A3/change/", CACHE + "invalidate-everything/"]
)
def test_without_redis_the_page_says_so(no_redis: None, path: str) -> None:
    response = logged_in("view_cache", "invalidate_cache").get(path)

    assert response.status_code == 200
    assert ("Redis is not reachable" in text(response)) is ("everything" not in path)


# --- invalidating


def test_one_entry_is_deleted_and_logged(redis: Any, operator: Client) -> None:
    star(3)

    response = operator.post(deletion("star:3"), follow=True)

    assert "Deleted star:3" in text(response)
    assert not redis.exists("star:3")
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_repr) == (DELETION, "star:3")
    assert "star:3" in text(operator.get("/admin/"))


@pytest.mark.parametrize("what", ["a gate", "a lease", "SELECT 1", ":1:mine"])
def test_only_an_entry_can_be_deleted(redis: Any, operator: Client, what: str) -> None:
    ours = {"a gate": keys.gate("default", "star"), "a lease": keys.lease("star:3")}
    name = ours.get(what, what)
    redis.set(name, "x")

    assert operator.post(deletion(name)).status_code == 400
    assert redis.exists(name)
    assert not LogEntry.objects.exists()


def test_a_table_is_invalidated_and_logged(redis: Any, operator: Client) -> None:
    star(3)
    before = redis.get(keys.records_gate("default", "star"))

    response = operator.post(
        CACHE + "invalidate/", {"gate": keys.gate("default", "star")}, follow=True
    )

    assert "the table star was invalidated" in text(response)
    assert not redis.exists(keys.gate("default", "star"))
    star(3)
    assert redis.get(keys.records_gate("default", "star")) != before
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_repr) == (CHANGE, keys.gate("default", "star"))


@pytest.mark.parametrize("what", ["", "star", "everything", "an unknown table"])
def test_what_is_no_table_cannot_be_invalidated(redis: Any, operator: Client, what: str) -> None:
    gates = {
        "everything": keys.database_gate("default"),
        "an unknown table": keys.gate("default", "nothing"),
    }
    gate = gates.get(what, what)
    assert operator.post(CACHE + "invalidate/", {"gate": gate}).status_code == 400


def test_everything_is_asked_for_first_then_invalidated_and_logged(
    redis: Any, operator: Client
) -> None:
    star(3)
    asked = operator.get(CACHE + "invalidate-everything/")
    assert "Yes, invalidate everything" in text(asked)
    assert redis.exists(keys.database_gate("default"))

    response = operator.post(CACHE + "invalidate-everything/", follow=True)

    assert "All entries of the database default were invalidated" in text(response)
    assert not redis.exists(keys.database_gate("default"))
    (entry,) = LogEntry.objects.all()
    assert entry.object_repr == keys.database_gate("default")


def test_without_redis_an_invalidation_is_owed_and_the_page_says_so(
    no_redis: None, operator: Client
) -> None:
    response = operator.post(
        CACHE + "invalidate/", {"gate": keys.gate("default", "star")}, follow=True
    )

    assert "it holds as soon as Redis is back" in text(response)
    assert "This process owes Redis" in text(response)
