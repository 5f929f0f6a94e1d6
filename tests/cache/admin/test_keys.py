"""Admin → Cache → Keys: found by what they are, and deleted several at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.test import Client

from planets.cache.storage import keys
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star, stars
from tests.support.admin import logged_in, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_pages")]

CACHE = "/admin/cache_aside/cache/"
KEYS, DELETE = CACHE + "keys/", CACHE + "delete/"


@pytest.fixture
def operator(redis: Any) -> Client:
    return logged_in("view_cache", "invalidate_cache")


def test_lists_say_what_each_entry_is(operator: Client) -> None:
    list(Star.objects.cached().filter(kind="giant"))
    star(3)

    for path in (CACHE, KEYS):
        page = text(operator.get(path))
        assert "SELECT … FROM star WHERE kind = %s" in page
        assert "row 3 of star" in page


def test_keys_are_found_by_kind_table_and_text(operator: Client) -> None:
    list(Star.objects.cached().filter(kind="giant"))
    list(Comet.objects.cached())
    star(3)

    def found(**query: str) -> set[str]:
        context = operator.get(KEYS, query).context
        return {key.what for key in context["keys"] if key.is_entry}

    assert found(kind="record") == {"row 3 of star"}
    assert len(found(table="comet")) == 1
    assert found(table="star", kind="sql") == {"SELECT … FROM star WHERE kind = %s"}
    assert found(pattern="kind =") == {"SELECT … FROM star WHERE kind = %s"}


def test_the_next_page_keeps_the_filter(operator: Client, redis: Any) -> None:
    redis.mset({f"sql:{n:032x}": "x" for n in range(300)})

    page = text(operator.get(KEYS, {"kind": "sql", "pattern": "sql:*"}))

    assert "?pattern=sql%3A%2A&amp;kind=sql&amp;cursor=" in page


def test_an_unknown_kind_is_told(operator: Client) -> None:
    page = text(operator.get(KEYS, {"kind": "nonsense"}))

    assert "Select a valid choice. nonsense is not one of the available choices." in page


def test_several_are_deleted_and_logged(operator: Client, redis: Any) -> None:
    stars([3, 4, 5])

    response = operator.post(
        DELETE + "?kind=record", {"key": ["star:3", "star:4", "star:8"]}, follow=True
    )

    assert response.redirect_chain == [(KEYS + "?kind=record", 302)]
    assert "Deleted 2 entries; the next fetches fill them. 1 had gone already." in text(response)
    assert redis.keys("star:*") == ["star:5"]
    assert {(entry.action_flag, entry.object_repr) for entry in LogEntry.objects.all()} == {
        (DELETION, "star:3"),
        (DELETION, "star:4"),
    }


def test_what_is_no_entry_deletes_nothing(operator: Client, redis: Any) -> None:
    star(3)
    gate = keys.gate("default", "star")

    assert operator.post(DELETE, {"key": ["star:3", gate]}).status_code == 400
    assert operator.post(DELETE, {"key": [f"star:{n}" for n in range(501)]}).status_code == 400

    assert redis.exists("star:3", gate) == 2


def test_none_chosen_says_what_to_do(operator: Client) -> None:
    assert "No entry was chosen" in text(operator.post(DELETE, follow=True))


def test_to_delete_needs_its_permission_a_post_and_a_token(redis: Any, operator: Client) -> None:
    star(3)
    chosen = {"key": ["star:3"]}

    assert operator.get(DELETE).status_code == 405
    assert logged_in("view_cache").post(DELETE, chosen).status_code == 403
    assert logged_in("invalidate_cache").post(DELETE, chosen).status_code == 403
    strict = logged_in("view_cache", "invalidate_cache", csrf=True)
    assert strict.post(DELETE, chosen).status_code == 403
    assert redis.exists("star:3")
    assert 'type="checkbox" name="key"' not in text(logged_in("view_cache").get(KEYS))
    assert 'type="checkbox" name="key"' in text(operator.get(KEYS))


def test_without_redis_nothing_is_deleted_and_the_page_says_so(no_redis: None) -> None:
    client = logged_in("view_cache", "invalidate_cache")

    assert "Nothing was deleted" in text(client.post(DELETE, {"key": "star:3"}, follow=True))


def test_the_overview_has_rates_tables_and_the_last_invalidations(
    operator: Client, redis: Any
) -> None:
    list(Star.objects.cached())
    Star.objects.filter(pk=3).update(name="Secret")
    star(3)

    page = text(operator.get(CACHE))

    assert "hits a second" in page
    assert "commands a second" in page
    assert "UPDATE star SET name = %s WHERE id = %s" in page
    assert "Secret" not in page
    assert f'href="{KEYS}?table=star"' in page


def test_the_page_refreshes_by_a_script_of_its_own_and_none_is_inline(operator: Client) -> None:
    page = operator.get(CACHE).content.decode()

    assert "cache_aside/refresh.js" in page
    assert 'id="cache-live"' in page
    assert "<script>" not in page


def test_the_rows_of_an_entry_have_the_names_of_their_columns(operator: Client, redis: Any) -> None:
    list(Star.objects.cached().values_list("id", "name"))
    (entry,) = redis.keys("sql:*")

    page = text(operator.get(f"{CACHE}{entry.replace(':', '_3A')}/change/"))

    assert '<th scope="col">id</th><th scope="col">name</th>' in page
