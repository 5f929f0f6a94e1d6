"""Pages, fragments and values in the account: lines of their own kind."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from planets.cache import remember
from planets.cache.fragments import fragment
from planets.cache.instruments.account import sharing
from planets.cache.instruments.account.line import Line
from planets.cache.instruments.account.listener import Listener
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def only(listener: Listener) -> Line:
    (line,) = listener.heard.of("computed").values()
    return line


def names(pk: int = 0, **lifetime: Any) -> list[str]:
    def make() -> list[str]:
        return list(Star.objects.filter(pk__gt=pk).values_list("name", flat=True))

    return remember("names", make, vary=(pk,), **lifetime)


@pytest.fixture
def cached_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"


def test_a_page_has_the_line_of_its_view(listener: Listener, cached_pages: None) -> None:
    for address in ("/stars/3/", "/stars/4/", "/stars/3/", "/stars/3/"):
        assert Client().get(address).status_code == 200

    line = only(listener)
    assert re.fullmatch(r"page of tests/cache/zoo/pages\.py:\d+ in one", line.text)
    assert (line.calls, line.hits, line.misses, line.sets) == (4, 2, 2, 2)
    assert (line.loads, line.ttl) == (2, 300)
    assert line.load_sum > 0
    assert line.bytes > 0
    (site,) = line.sites
    assert line.text.startswith(f"page of {site}")
    assert "/3" not in repr(sharing._encoder.encode(listener.heard))  # no address is kept


def test_what_a_page_is_made_of_keeps_its_own_lines(listener: Listener, cached_pages: None) -> None:
    Client().get("/stars/")

    (statement,) = listener.heard.of("read").values()
    assert statement.calls == 1


def test_a_value_and_a_fragment_have_the_lines_of_their_names(listener: Listener) -> None:
    for pk in (1, 2, 2):
        names(pk, ttl=60)
        fragment("stars", (pk,), lambda: ", ".join(names(0)), ttl=60)

    found = {
        line.text: (line.kind, line.hits, line.misses)
        for line in listener.heard.of("computed").values()
    }
    assert found == {"value names": ("value", 2, 3), "fragment stars": ("fragment", 1, 2)}


def test_a_write_of_what_it_stands_on_is_in_its_log(listener: Listener) -> None:
    names()
    names()
    Star.objects.filter(pk=3).update(name="Terra")
    names()

    line = only(listener)
    assert line.tables == ("star",)
    (runs,) = line.log.values()
    assert [run.fresh for run in runs][-1]
    assert sum(run.fresh for run in runs) == 1


def test_a_write_of_another_row_is_not(listener: Listener) -> None:
    def name() -> str:
        star = Star.records.get(3)
        assert star
        return star.name

    for _ in range(2):
        remember("one", name)
        Star.objects.filter(pk=4).update(name="Gaia")

    (runs,) = only(listener).log.values()
    assert not any(run.fresh for run in runs)
    assert only(listener).tables == ()


def test_why_it_was_not_stored_is_kept(listener: Listener) -> None:
    for _ in range(3):
        remember("no plain type", object)

    line = only(listener)
    assert (line.misses, line.thrown_away) == (3, 3)
    assert "object" in line.why


def test_it_is_shared_with_the_others(listener: Listener, redis: Any) -> None:
    names()
    listener.tell()
    names()
    listener.tell()

    (line,) = sharing.together(sharing.ledgers()).of("computed").values()
    assert (line.calls, line.hits, line.misses) == (2, 1, 1)
    assert sharing.together(sharing.ledgers()).processes == 1


def test_its_variety_takes_no_place_from_statements(listener: Listener) -> None:
    list(Star.objects.all())
    for number in range(60):
        remember(f"value {number}", lambda: 1)

    assert len(listener.heard.of("computed")) == 50
    assert len(listener.heard.of("read")) == 1
