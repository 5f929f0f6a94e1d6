"""What is drawn in tests/random_querysets.py, cached beside uncached."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.core.exceptions import FieldError, MultipleObjectsReturned, ObjectDoesNotExist
from django.db import NotSupportedError

from tests.cache.zoo.models import Everything
from tests.random_querysets import querysets

from ..zoo.rows import parts

pytestmark = pytest.mark.django_db(transaction=True)

SEED, COUNT = int(os.environ.get("RANDOM_SEED", 1)), int(os.environ.get("RANDOM_QUERYSETS", 300))
REFUSED = (
    *(FieldError, MultipleObjectsReturned, ObjectDoesNotExist, NotSupportedError),
    *(TypeError, ValueError, AttributeError),
)


def result(read: Any, rows: Any) -> Any:
    try:
        return repr(parts(read(rows)))
    except REFUSED as error:  # Django's own rules of what may follow what
        return type(error).__name__


@pytest.mark.parametrize("near", [False, True], ids=["Redis", "near"])
def test_a_cached_queryset_gives_what_an_uncached_one_does(
    rows: None, near: bool, request: pytest.FixtureRequest
) -> None:
    if near:
        request.getfixturevalue("near_on")
    answered = 0
    for seed, read in querysets(SEED, COUNT):
        truth = result(read, Everything.objects.all())
        answered += truth[0] in "([<" or truth.isdigit()
        for _ in range(4):  # a load, then hits: by a compiler, by a plan, straight from it
            assert result(read, Everything.objects.cached()) == truth, f"seed {seed}"
    assert answered > COUNT / 3
