"""After a save the admin says what it made stale."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from planets.cache import remember
from planets.cache.admin import RecordAdmin, TellsWhatWentStale
from planets.cache.instruments import dependents
from planets.cache.instruments.dependents import current
from planets.cache.storage import keys
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star, stars
from tests.support.admin import logged_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_pages")]

RIGHTS = ("view_star", "change_star", "delete_star", "view_comet", "change_comet", "delete_comet")


@pytest.fixture
def editor(redis: Any) -> Client:
    return logged_in(*RIGHTS)


def save(client: Client, number: int = 3, name: str = "Terra") -> str:
    """What the admin says after a star was saved."""
    form = {
        "name": name, "kind": "giant", "position": number, "mass": "", "radius": "",
        "gravity": "", "surface_pressure": "", "description": "", "comets-TOTAL_FORMS": 0,
        "comets-INITIAL_FORMS": 0,
    }  # fmt: skip
    return said(client.post(f"/admin/zoo/star/{number}/change/", form, follow=True))


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_it_counts_the_entries_by_kind(editor: Client) -> None:
    stars([3, 4])
    list(Star.objects.cached())
    Star.objects.cached().count()
    list(Comet.objects.cached())
    remember("heaviest", lambda: Star.objects.order_by("-mass")[0].name)
    remember("of a record", lambda: star(3).name)  # type: ignore[union-attr]
    remember("of another", lambda: star(4).name)  # type: ignore[union-attr]

    assert (
        "Saved. 1 record, 2 queries and 2 values are out of date; the next visit fills them."
        in save(editor)
    )


def test_one_entry_is_one(editor: Client) -> None:
    star(3)

    assert "Saved. 1 record is out of date; the next visit fills it." in save(editor)


def test_what_was_stale_before_is_not_counted_again(editor: Client) -> None:
    list(Star.objects.cached())
    assert "1 query is" in save(editor)

    assert "Saved. Nothing that is cached is out of date by it." in save(editor, name="Luna")


def test_where_there_are_more_than_it_looks_at_it_says_at_least(
    editor: Client, redis: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dependents, "MOST", 50)
    for number in range(300):
        list(Star.objects.cached().filter(pk__gt=number))

    assert not current().complete
    told = save(editor)

    assert "Saved. At least " in told
    assert " queries are out of date; the next visit fills them." in told


def test_where_none_is_known_and_not_all_were_looked_at_it_says_nothing(
    editor: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dependents, "MOST", 50)
    for number in range(300):
        list(Comet.objects.cached().filter(pk__gt=number))

    told = save(editor)

    assert "changed successfully" in told
    assert "Saved." not in told


def test_a_form_with_errors_says_nothing(editor: Client) -> None:
    star(3)

    assert save(editor, name="") == ""


def test_a_delete_and_an_action_say_so_too(editor: Client) -> None:
    stars([3, 4])
    assert "Deleted. 1 record is out of date" in said(
        editor.post("/admin/zoo/star/3/delete/", {"post": "yes"}, follow=True)
    )
    chosen = {"action": "delete_selected", "_selected_action": ["4"], "post": "yes"}
    assert "Done. 1 record is out of date" in said(
        editor.post("/admin/zoo/star/", chosen, follow=True)
    )


def test_records_that_are_written_through_are_not_out_of_date(
    editor: Client, settings: Any
) -> None:
    star(3)
    list(Star.objects.cached())
    settings.CACHE_ASIDE = {"WRITE_THROUGH": True}

    assert "Saved. 1 query is out of date" in save(editor)


def test_without_redis_it_says_that_it_is_owed(no_redis: None) -> None:
    told = save(logged_in(*RIGHTS))

    assert "Saved. Redis is away" in told
    assert Star.objects.get(pk=3).name == "Terra"


def test_an_entry_of_another_generation_is_not_current(redis: Any) -> None:
    list(Star.objects.cached())
    assert len(current().entries) == 1
    redis.delete(keys.gate("default", "star"))

    assert current().entries == {}


def test_it_is_a_mixin_for_any_admin_and_in_that_of_records() -> None:
    class CometAdmin(TellsWhatWentStale, admin.ModelAdmin):
        pass

    assert issubclass(RecordAdmin, TellsWhatWentStale)
    CometAdmin(Comet, admin.site)
