"""How often each read asks Redis and the database, itemised."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Count, Max

from planets.cache import fetch
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star, stars

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

MISS = [
    ["MGET"],  # look: the entry and its gates
    ["admit", "admit", "claim", "MGET"],  # open both gates, take the lease, look again
    ["fill_string"],  # store the entry, its expiry, give the lease back
]
HIT = [["MGET"]]


def test_a_queryset_costs_three_round_trips_once_and_then_one(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        first = list(Star.objects.cached().order_by("position"))
    assert round_trips == MISS

    round_trips.clear()
    with django_assert_num_queries(0):
        assert list(Star.objects.cached().order_by("position")) == first
    assert round_trips == HIT


@pytest.mark.parametrize(
    "read",
    [
        lambda cached: cached.count(),
        lambda cached: cached.exists(),
        lambda cached: cached.get(name="Electra"),
        lambda cached: cached.order_by("name").first(),
        lambda cached: cached.aggregate(Max("radius")),
        lambda cached: cached.order_by("id")[:3].aggregate(Max("radius")),
        lambda cached: cached.annotate(n=Count("id")).count(),
        lambda cached: list(cached.values_list("name", flat=True)),
        lambda cached: cached.in_bulk([1, 2]),
    ],
)
def test_whatever_is_asked_of_a_queryset_a_hit_is_one_round_trip(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any, read: Any
) -> None:
    uncached = read(Star.objects.all())
    assert read(Star.objects.cached()) == uncached

    round_trips.clear()
    with django_assert_num_queries(0):
        assert read(Star.objects.cached()) == uncached
    assert round_trips == HIT


def test_a_join_stands_behind_the_gates_of_both_tables(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    list(Comet.objects.cached().select_related("star"))
    assert round_trips[1] == ["admit", "admit", "admit", "claim", "MGET"]

    round_trips.clear()
    with django_assert_num_queries(0):
        assert [comet.star.name for comet in Comet.objects.cached().select_related("star")]
    assert round_trips == HIT


def test_prefetching_costs_a_round_trip_a_level(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    read = lambda: [  # noqa: E731
        (p.name, [comet.name for comet in p.comets.all()])
        for p in Star.objects.cached().prefetch_related("comets")
    ]
    first = read()
    round_trips.clear()
    with django_assert_num_queries(0):
        assert read() == first
    assert round_trips == [*HIT, *HIT]


def test_a_record_costs_three_round_trips_once_and_then_one(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert star(3)
    assert round_trips == [
        ["HGETALL", "MGET"],  # look: the hash, its gates
        # open: the bulk generation, everything, the table (for an absence); lease; look again
        ["admit", "admit", "admit", "claim", "HGETALL", "MGET"],
        ["fill_hash"],
    ]

    round_trips.clear()
    with django_assert_num_queries(0):
        assert star(3)
    assert round_trips == [["HGETALL", "MGET"]]


def test_comparing_eight_is_one_round_trip(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert len(stars(range(1, 9))) == 8
    assert [len(trip) for trip in round_trips] == [8 + 1, 3 + 8 + 8 + 1, 8]

    round_trips.clear()
    with django_assert_num_queries(0):
        assert len(stars(range(1, 9))) == 8
    assert round_trips == [["HGETALL"] * 8 + ["MGET"]]


def test_an_absent_id_is_asked_of_the_database_once(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert star(99) is None

    round_trips.clear()
    with django_assert_num_queries(0):
        assert star(99) is None
    assert round_trips == [["HGETALL", "MGET"]]


def test_the_tutorials_fetch_is_one_round_trip(
    redis: Any, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    sql = "SELECT id, name FROM star WHERE id < %s"
    first = fetch(sql, [3])
    assert first == [{"id": 1, "name": "Mira"}, {"id": 2, "name": "Vega"}]

    round_trips.clear()
    with django_assert_num_queries(0):
        assert fetch(sql, [3]) == first
    assert round_trips == HIT


def test_a_save_is_two_round_trips(redis: Any, round_trips: list[list[str]]) -> None:
    electra = Star.objects.get(pk=3)
    round_trips.clear()
    electra.save()
    assert round_trips == [
        ["hold"],  # close: the table's gate; the record's lease, and its hash goes
        ["hold"],  # open both
    ]
