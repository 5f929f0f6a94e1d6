"""Admin → Cache, asked as a browser asks it."""

from __future__ import annotations

import json
import time
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from planets.cache.storage import keys
from planets.models import Planet
from planets.records import planet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

CACHE = "/admin/cache_aside/cache/"


def logged_in(*permissions: str, csrf: bool = False) -> Client:
    user = User.objects.create_user(f"user{User.objects.count()}", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return logged_in("view_cache", "invalidate_cache")


def key_page(name: str) -> str:
    return reverse("admin:cache_aside_cache_change", args=[quote(name)])


def deletion(name: str) -> str:
    return reverse("admin:cache_aside_cache_delete", args=[quote(name)])


def text(response: Any) -> str:
    """The words of a page, with single spaces."""
    assert isinstance(response, HttpResponse)
    return " ".join(response.content.decode().split())


# --- who may


def test_it_stands_in_the_index_of_those_who_may_see_it(operator: Client) -> None:
    assert CACHE in text(operator.get("/admin/"))
    assert CACHE not in text(logged_in("view_planet").get("/admin/"))


@pytest.mark.parametrize("path", [CACHE, CACHE + "keys/", CACHE + "planet_3A3/change/"])
def test_to_look_needs_its_permission(redis: Any, path: str) -> None:
    assert logged_in("view_cache").get(path).status_code == 200
    assert logged_in("view_planet", "change_planet").get(path).status_code == 403
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize(
    "path", [CACHE + "invalidate/", CACHE + "invalidate-everything/", CACHE + "planet_3A3/delete/"]
)
@pytest.mark.parametrize("permission", ["view_cache", "invalidate_cache"])
def test_to_invalidate_needs_both_permissions(redis: Any, path: str, permission: str) -> None:
    planet(3)

    assert logged_in(permission).post(path, {"gate": "gen:default:planet"}).status_code == 403
    assert redis.exists("planet:3", "gen:default:*") == 2


def test_who_may_only_look_sees_no_button(redis: Any) -> None:
    planet(3)
    client = logged_in("view_cache")

    for path in (CACHE, key_page("planet:3")):
        assert 'method="post" action="/admin/planets' not in text(client.get(path))


@pytest.mark.parametrize("path", [CACHE + "invalidate/", CACHE + "planet_3A3/delete/"])
def test_to_get_changes_nothing(redis: Any, operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 405


@pytest.mark.parametrize(
    "path", [CACHE + "invalidate/", CACHE + "invalidate-everything/", CACHE + "planet_3A3/delete/"]
)
def test_to_post_needs_a_token(redis: Any, path: str) -> None:
    client = logged_in("view_cache", "invalidate_cache", csrf=True)

    assert client.post(path, {"gate": "gen:default:planet"}).status_code == 403


# --- looking


def test_the_page_shows_server_kinds_tables_and_entries(redis: Any, operator: Client) -> None:
    planet(3)
    list(Planet.objects.cached().in_order())
    (entry,) = redis.keys("sql:*")

    page = text(operator.get(CACHE))

    assert f"Redis {redis.info()['redis_version']}" in page
    assert '<th scope="row">record</th><td class="number">1</td>' in page
    assert 'value="gen:default:planet"' in page
    assert key_page("planet:3") in page
    assert key_page(entry) in page
    assert "keys, counted just now" in page
    assert "Most recently used entries" in page


def test_the_page_shows_the_hit_ratio(redis: Any, operator: Client) -> None:
    redis.hset(keys.minute(int(time.time()) // 60), mapping={"hit": 3, "miss": 1, "bypass": 7})

    page = text(operator.get(CACHE))

    assert "<strong>75.0 %</strong> in the last hour" in page
    assert page.count('<rect class="hit"') == 1
    assert "7 bypassed the cache" in page


def test_keys_come_in_pages_by_pattern(redis: Any, operator: Client) -> None:
    redis.mset({f"sql:{n}": "x" for n in range(300)})
    planet(3)

    page = text(operator.get(CACHE + "keys/", {"pattern": "planet"}))
    assert key_page("planet:3") in page
    assert "sql_3A" not in page

    found: set[str] = set()
    cursor = ""
    while True:
        context = operator.get(CACHE + "keys/", {"pattern": "sql:*", "cursor": cursor}).context
        found |= {key.name for key in context["keys"]}
        cursor = context["next"]
        if not cursor:
            break
    assert found == {f"sql:{n}" for n in range(300)}


def test_nonsense_for_a_cursor_is_a_bad_request(redis: Any, operator: Client) -> None:
    assert operator.get(CACHE + "keys/", {"cursor": "'"}).status_code == 400


def test_a_key_shows_sql_and_rows(redis: Any, operator: Client) -> None:
    list(Planet.objects.cached().in_order())
    (entry,) = redis.keys("sql:*")

    page = text(operator.get(key_page(entry)))

    assert "ORDER BY " in page
    assert "<td>Mercury</td>" in page
    assert 'class="state current"' in page


def test_what_lies_in_redis_is_escaped(redis: Any, operator: Client) -> None:
    evil = "<script>alert(1)</script>"
    redis.set(evil, evil)
    redis.hset("planet:3", mapping={evil: evil})
    redis.set(b"\xff\xfe", "binary")

    for path in (CACHE, CACHE + "keys/", key_page(evil), key_page("planet:3")):
        page = text(operator.get(path))
        assert evil not in page
    assert "&lt;script&gt;" in text(operator.get(key_page(evil)))
    assert "\\xff\\xfe" in text(operator.get(CACHE + "keys/"))


def test_a_key_that_is_gone_says_so(redis: Any, operator: Client) -> None:
    assert "There is no such key" in text(operator.get(key_page("planet:3")))


@pytest.mark.parametrize(
    "path", [CACHE, CACHE + "keys/", CACHE + "planet_3A3/change/", CACHE + "invalidate-everything/"]
)
def test_without_redis_the_page_says_so(no_redis: None, path: str) -> None:
    response = logged_in("view_cache", "invalidate_cache").get(path)

    assert response.status_code == 200
    assert ("Redis cannot be had" in text(response)) is ("everything" not in path)


# --- invalidating


def test_one_entry_is_deleted_and_logged(redis: Any, operator: Client) -> None:
    planet(3)

    response = operator.post(deletion("planet:3"), follow=True)

    assert "Deleted planet:3" in text(response)
    assert not redis.exists("planet:3")
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_repr) == (DELETION, "planet:3")
    assert "planet:3" in text(operator.get("/admin/"))


@pytest.mark.parametrize("name", ["gen:default:planet", "lease:{planet:3}", "SELECT 1", ":1:mine"])
def test_only_an_entry_can_be_deleted(redis: Any, operator: Client, name: str) -> None:
    redis.set(name, "x")

    assert operator.post(deletion(name)).status_code == 400
    assert redis.exists(name)
    assert not LogEntry.objects.exists()


def test_a_table_is_invalidated_and_logged(redis: Any, operator: Client) -> None:
    planet(3)
    before = redis.get("gen:default:planet#rows")

    response = operator.post(CACHE + "invalidate/", {"gate": "gen:default:planet"}, follow=True)

    assert "the table planet was invalidated" in text(response)
    assert not redis.exists("gen:default:planet")
    planet(3)
    assert redis.get("gen:default:planet#rows") != before
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_repr) == (CHANGE, "gen:default:planet")


@pytest.mark.parametrize("gate", ["", "planet", "gen:default:*", "gen:default:nothing"])
def test_what_is_no_table_cannot_be_invalidated(redis: Any, operator: Client, gate: str) -> None:
    assert operator.post(CACHE + "invalidate/", {"gate": gate}).status_code == 400


def test_everything_is_asked_for_first_then_invalidated_and_logged(
    redis: Any, operator: Client
) -> None:
    planet(3)
    asked = operator.get(CACHE + "invalidate-everything/")
    assert "Yes, invalidate everything" in text(asked)
    assert redis.exists("gen:default:*")

    response = operator.post(CACHE + "invalidate-everything/", follow=True)

    assert "All entries of the database default were invalidated" in text(response)
    assert not redis.exists("gen:default:*")
    (entry,) = LogEntry.objects.all()
    assert entry.object_repr == "gen:default:*"


def test_without_redis_an_invalidation_is_owed_and_the_page_says_so(
    no_redis: None, operator: Client
) -> None:
    response = operator.post(CACHE + "invalidate/", {"gate": "gen:default:planet"}, follow=True)

    assert "it holds as soon as Redis is back" in text(response)
    assert "This process owes Redis" in text(response)


# --- a planet's own page


def test_a_planets_page_tells_of_its_record(redis: Any) -> None:
    client = logged_in("view_cache", "view_planet", "change_planet")
    page = "/admin/planets/planet/3/change/"
    assert "not cached" in text(client.get(page))

    planet(3)
    assert 'class="state current"' in text(client.get(page))
    assert "TTL left: " in text(client.get(page))
    assert "invalidate/" not in text(client.get(page))

    Planet.objects.filter(name="Mars").update(name="Ares")
    assert 'class="state stale"' in text(client.get(page))


def test_a_planets_page_tells_nothing_to_those_who_may_not_look(redis: Any) -> None:
    client = logged_in("change_planet", "view_planet")

    assert "planet:3" not in text(client.get("/admin/planets/planet/3/change/"))
    assert client.post("/admin/planets/planet/3/invalidate/").status_code == 403


def test_a_planets_record_is_invalidated_from_its_page(redis: Any) -> None:
    planet(3)
    client = logged_in("view_cache", "invalidate_cache", "view_planet", "change_planet")
    path = "/admin/planets/planet/3/invalidate/"
    assert path in text(client.get("/admin/planets/planet/3/change/"))
    assert client.get(path).status_code == 405

    response = client.post(path, follow=True)

    assert "The record planet:3" in text(response)
    assert not redis.exists("planet:3", "gen:default:planet")
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.object_id) == ("Earth", "3")


def test_there_is_no_record_of_a_planet_that_is_not_there(redis: Any, operator: Client) -> None:
    assert operator.post("/admin/planets/planet/99/invalidate/").status_code == 404
    assert operator.post("/admin/planets/planet/x/invalidate/").status_code == 404


def test_a_planets_page_renders_without_redis(no_redis: None) -> None:
    client = logged_in("view_cache", "invalidate_cache", "view_planet", "change_planet")

    assert "Redis cannot be had" in text(client.get("/admin/planets/planet/3/change/"))


# --- the model behind it


@pytest.mark.parametrize("everything", [False, True])
def test_dumpdata_finds_no_table_and_does_not_mind(everything: bool) -> None:
    out = StringIO()

    call_command("dumpdata", "planets", stdout=out, use_base_manager=everything)

    assert {row["model"] for row in json.loads(out.getvalue())} == {
        "planets.planet",
        "planets.moon",
    }
