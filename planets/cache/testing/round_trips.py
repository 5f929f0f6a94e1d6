"""How often a test asks Redis, and for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ..storage import scripts
from ..storage.client import Exchange, client
from ..storage.wire import Command, Reply


@contextmanager
def round_trips() -> Iterator[list[list[str]]]:
    """The round trips of this process while it lasts, each with its commands, in words."""
    trips: list[list[str]] = []

    def counted(usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
        trips.append([named(command) for command in commands])
        return usual(commands)

    with client.through(counted):
        yield trips


@contextmanager
def assert_round_trips(expected: int) -> Iterator[list[list[str]]]:
    """Redis was asked so many times within. Raises AssertionError, with each round trip."""
    with round_trips() as trips:
        yield trips
    if len(trips) != expected:
        lines = [f"{len(trips)} round trips to Redis, not {expected}:"]
        lines += (f"{number}. {', '.join(trip)}" for number, trip in enumerate(trips, start=1))
        raise AssertionError("\n  ".join(lines))


def named(command: Command) -> str:
    """`GET city:3`: the command, or a script by its name, and the first of its keys."""
    if command[0] == "EVAL":
        return f"{_names().get(command[1], 'a script on')} {command[3]}"
    return " ".join(map(str, command[:2]))


@cache
def _names() -> dict[str, str]:
    """The text of each script to its name."""
    folder = Path(scripts.__file__).parent / "lua"
    return {scripts.text(path.stem): path.stem for path in folder.glob("*.lua")}
