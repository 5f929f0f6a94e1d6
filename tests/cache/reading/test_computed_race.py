"""What a process remembers of a computed entry can change between a question and its answer."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import remember, values
from planets.cache.events import Fetch
from planets.cache.reading import computed
from planets.cache.reading.computed_format import Made
from planets.cache.reading.dependencies import Dependencies
from planets.cache.reading.known import Remembered, remembered
from planets.cache.reading.lookup import Found, Lookup
from planets.cache.storage import keys
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

GATE = "gen:elsewhere:table"
LEARNED = [
    Dependencies({}, {}),
    Dependencies({GATE: "0123456789abcdef"}, {}),
    Dependencies({}, {"star:3": "0123456789abcdef"}),
]


def another(lookup: Lookup, learned: Dependencies) -> Remembered:
    """An entry that depends on something else."""
    found = Found(Made(None, learned), (), float("inf"), 0)
    return remembered(lookup, lookup.keys[0], found, b"another")


def names() -> list[str]:
    return remember("names", lambda: [star.name for star in Star.objects.all()])


@pytest.mark.parametrize("learned", LEARNED)
def test_an_answer_is_read_by_its_own_question(
    redis: Any, events: list[Fetch], learned: Dependencies
) -> None:
    expected = names()
    key = events[-1].key
    lookup = computed.lookup_of(values.SHELF, key, "names")
    asked = values.SHELF.look(lookup, (key,))
    replies = client.call(*asked)
    # Another thread met another entry under this key.
    values.SHELF._known.put(key, another(lookup, learned))
    seen = values.SHELF.judge(lookup, (key,), asked, replies)
    assert seen.missing == ()
    assert names() == expected


@pytest.mark.parametrize("learned", LEARNED)
def test_nor_does_it_prove_what_was_not_asked(
    redis: Any, events: list[Fetch], learned: Dependencies
) -> None:
    names()
    key = events[-1].key
    lookup = computed.lookup_of(values.SHELF, key, "names")
    Star.objects.filter(pk=3).update(name="Taygeta")
    asked = values.SHELF.look(lookup, (key,))
    replies = client.call(*asked)
    values.SHELF._known.put(key, another(lookup, learned))
    seen = values.SHELF.judge(lookup, (key,), asked, replies)
    assert seen.missing == (key,)
    assert keys.kind(key) == "value"
