"""What a node of a cluster replies is believed where it was stored in the node's own run."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.storage.stamps import MARKER, UNKNOWN, believed

RUN, OTHER = b"ab" * 20, b"cd" * 20
GATES, RECORD, TOKEN = ("MGET", "gate"), ("HGETALL", "star:3"), ("HGET", "star:3", MARKER)
OPEN = b"o:0123456789abcdef"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (GATES, OPEN + b"@" + RUN + b"@"),
        (GATES, OPEN + b"@" + RUN + b"@0011"),
        (GATES, OPEN + b"=7 0-1-7@" + RUN + b"@"),
        (GATES, b"w:writer@99"),
        (GATES, None),
        (RECORD, {b"name": b"Electra", MARKER: b"seal told@" + RUN}),
        (RECORD, [b"name", b"Electra", MARKER, b"seal told@" + RUN]),
        (RECORD, {b"name": b"of another program"}),
        (RECORD, {}),
        (TOKEN, b"seal told@" + RUN),
        (("GET", "sql:1"), OPEN),
        (RECORD, ValueError("an error is a reply")),
    ],
)
def test_what_is_of_this_run_is_believed(command: Any, reply: Any) -> None:
    assert believed(command, reply, RUN) is reply


@pytest.mark.parametrize(
    ("command", "reply", "missing"),
    [
        (GATES, OPEN + b"@" + OTHER + b"@", None),
        (GATES, OPEN + b"=7 0-1-7@" + OTHER + b"@", None),
        (GATES, OPEN, None),
        (GATES, OPEN + b"@@", None),
        (RECORD, {b"name": b"Electra", MARKER: b"seal told@" + OTHER}, {}),
        (RECORD, [b"name", b"Electra", MARKER, b"seal told@" + OTHER], {}),
        (RECORD, {MARKER: b"seal told"}, {}),
        (TOKEN, b"seal told@" + OTHER, None),
    ],
)
def test_what_is_of_another_run_is_missing(command: Any, reply: Any, missing: Any) -> None:
    assert believed(command, reply, RUN) == missing
    assert believed(command, reply, UNKNOWN) is reply  # where no run is known all is believed
