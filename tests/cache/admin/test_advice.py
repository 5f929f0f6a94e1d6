"""Admin → Cache → Advice, and what the panel says of a page's statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.test import Client

from planets.cache.admin import saved_chart
from planets.cache.instruments import marks
from planets.cache.instruments.account import listener as accounts
from planets.cache.instruments.account.listener import Listener
from planets.cache.lab.advisor import Hour, Sentences
from tests.cache.zoo.models import Comet, Star
from tests.support.admin import logged_in, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_pages")]

CACHE = "/admin/cache_aside/cache/"
ADVICE = CACHE + "advice/"


@pytest.fixture
def listener(redis: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    made = Listener()
    monkeypatch.setattr(accounts, "listener", made)
    monkeypatch.setattr("planets.cache.instruments.panel.listener", made)
    made.start()
    yield made
    made.stop()


def one_page() -> None:
    for pk in (1, 2, 3, 4, 5, 6, 7, 8):
        Star.objects.get(pk=pk)


def visited(listener: Listener) -> None:
    for _ in range(5):
        request_started.send(None)
        one_page()
        request_finished.send(None)
    for _ in range(30):
        list(Comet.objects.cached())
    assert listener.tell()


def test_it_shows_the_advice_its_arithmetic_and_the_time_saved(listener: Listener) -> None:
    visited(listener)
    client = logged_in("view_cache")

    page = text(client.get(ADVICE))

    assert "repeated 8 times in one page: prefetch it at tests/cache/admin/test_advice.py" in page
    assert "40 calls in 5 pages, 8.0 parameter sets in each" in page
    assert page.count('<rect class="hit"') == page.count('<rect class="asked"') == 1
    assert "SELECT `star`.`id`" in page
    assert f'href="{ADVICE}"' in text(client.get(CACHE))


def test_without_an_account_it_says_so(redis: Any) -> None:
    page = text(logged_in("view_cache").get(ADVICE))

    assert "is off, so no statement is heard of" in page
    assert "No process has told of a statement yet" in page


def test_to_look_needs_its_permission(redis: Any) -> None:
    assert logged_in("view_star", "change_star").get(ADVICE).status_code == 403
    assert Client().get(ADVICE).status_code == 302


def test_without_redis_it_says_so(no_redis: None) -> None:
    assert "Redis is not reachable" in text(logged_in("view_cache").get(ADVICE))


def test_the_bars_are_as_high_as_the_hours_are_long() -> None:
    def hour(number: int, saved: float, could: float) -> Hour:
        return Hour(datetime(2025, 3, 1, number, tzinfo=UTC), saved, could)

    one, other = saved_chart.bars([hour(1, 30, 10), hour(3, 10, 0)])

    assert (one.saved, one.could, one.could_top) == (75, 25, 0)
    assert (other.saved, other.saved_top) == (25, 75)
    assert other.x - one.x == 2 * (saved_chart.BAR + saved_chart.GAP)
    assert saved_chart.bars([]) == saved_chart.bars([hour(1, 0, 0)]) == []


def test_the_panel_marks_what_the_advisor_would_change(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited(listener)
    monkeypatch.setattr(marks, "advised", [Sentences()])

    request_started.send(None)
    one_page()
    list(Comet.objects.cached())
    # On a busy machine it has something to say of the comets too.
    (mark,) = (m for m in marks.marks(listener.asked()) if "`comet`" not in m.statement)
    request_finished.send(None)

    assert mark.calls == 8
    assert mark.statement.startswith("SELECT `star`.`id`")
    assert mark.sentence.startswith("repeated 8 times in one page")
