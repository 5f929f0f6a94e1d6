"""Workloads: the same from the same seed, logs read line by line, nonsense refused."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from planets.cache.lab.workload import NoWorkload, Shape, from_log, synthetic

pytestmark = pytest.mark.once

SMALL = Shape(keys=50, reads=20, writes=1, seconds=30)
STAMP = "[24/Nov/2026:10:00:0{} +0000]"


def line(second: int, request: str, status: int = 200) -> str:
    return f'10.0.0.1 - - {STAMP.format(second)} "{request} HTTP/1.1" {status} 512 "-" "agent"\n'


def test_the_same_seed_makes_the_same_workload() -> None:
    first, again = synthetic(SMALL, [100, 200]), synthetic(SMALL, [100, 200])

    assert first == again
    assert synthetic(replace(SMALL, seed=2), [100, 200]).events != first.events
    assert [event.at for event in first.events] == sorted(event.at for event in first.events)
    assert any(event.write for event in first.events)


def test_skew_makes_the_first_keys_popular() -> None:
    keys = Counter(event.key for event in synthetic(replace(SMALL, skew=1.5), [100]).events)

    assert keys["key:0"] > keys["key:10"]
    assert keys["key:0"] == max(keys.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": 0}, "--keys is 0, must be 1 to 5000000"),
        ({"skew": -1}, "--skew is -1"),
        ({"reads": 0}, "--reads is 0"),
        ({"seconds": float("nan")}, "--seconds is nan"),
        ({"reads": 1e6, "seconds": 1000}, "More than 5,000,000 events"),
    ],
)
def test_an_impossible_shape_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(NoWorkload, match=message):
        replace(SMALL, **change)  # type: ignore[arg-type]


def test_an_access_log_is_read_and_what_is_no_line_of_one_is_counted() -> None:
    workload = from_log(
        [
            line(3, "GET /stars/3/"),
            line(1, "GET /stars/4/"),
            line(4, "POST /stars/3/"),
            line(5, "GET /nothing/", 404),  # no page: neither an event nor unreadable
            "\x00 rubbish\n",
            '10.0.0.1 - - [not a time] "GET / HTTP/1.1" 200 512\n',
        ],
        [100],
        "access.log",
    )

    assert [(e.at, e.key, e.write) for e in workload.events] == [
        (0, "/stars/4/", False),
        (2, "/stars/3/", False),
        (3, "/stars/3/", True),
    ]
    assert workload.skipped == 2


def test_a_trace_is_read() -> None:
    events = [
        {"at": 10.5, "key": "star:3", "write": False, "bytes": 700},
        {"at": 11.0, "key": "star:3", "write": True, "bytes": None},
    ]
    workload = from_log([json.dumps(event) for event in events] + ['{"at": 1'], [100], "trace")

    assert [(e.at, e.bytes, e.write) for e in workload.events] == [
        (0, 700, False),
        (0.5, 100, True),
    ]
    assert workload.skipped == 1


@pytest.mark.parametrize("lines", [[], ["rubbish"], [line(1, "GET /", 500)]])
def test_a_log_without_a_read_is_refused(lines: list[str]) -> None:
    with pytest.raises(NoWorkload, match="has no read of a page"):
        from_log(lines, [100], "access.log")
