"""What is drawn in tests/random_querysets.py, cached beside uncached."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist
from django.db import DatabaseError
from django.db.models import QuerySet

from tests.cache.zoo.models import Animal, Everything, Tag
from tests.random_querysets import querysets, querysets_of_animals

from ..zoo.rows import parts

pytestmark = pytest.mark.django_db(transaction=True)

SEED, COUNT = int(os.environ.get("RANDOM_SEED", 1)), int(os.environ.get("RANDOM_QUERYSETS", 300))
ASKED = 8  # times each: a step is kept at second sight, and a queryset has up to six
REFUSED = (
    *(FieldError, MultipleObjectsReturned, ObjectDoesNotExist, DatabaseError),
    *(TypeError, ValueError, AttributeError, KeyError),
)


def result(read: Any, rows: Any) -> Any:
    try:
        return repr(parts(read(rows)))
    except REFUSED as error:  # Django's own rules of what may follow what
        return type(error).__name__


def check(model: Any, drawn: Any) -> None:
    """A load, then hits: by a compiler, by a plan, straight from it, by steps taken before."""
    answered = 0
    for seed, read in drawn:
        truth = result(read, QuerySet(model))
        answered += truth[0] in "([<" or truth.isdigit()
        for _ in range(ASKED):
            assert result(read, model.objects.cached()) == truth, f"seed {seed}"
    assert answered > COUNT / 3


@pytest.fixture(params=[False, True], ids=["Redis", "near"])
def near(request: pytest.FixtureRequest, redis: Any) -> None:
    if request.param:
        request.getfixturevalue("near_on")


def test_a_cached_queryset_gives_what_an_uncached_one_does(rows: None, near: None) -> None:
    check(Everything, querysets(SEED, COUNT))


def test_so_does_one_with_relations(near: None) -> None:
    owl = Animal.objects.create(name="Owl", weight=2)
    emu = Animal.objects.create(name="Emu", weight=3, mother=owl)
    for number in range(4):
        Animal.objects.create(name=f"Chick {number}", weight=number, mother=(owl, emu)[number % 2])
    night, day = (Tag.objects.create(word=word) for word in ("night", "day"))
    owl.tags.add(night)
    emu.tags.add(night, day)
    check(Animal, querysets_of_animals(SEED, COUNT))
