"""How things in Redis are named: the one place of the tests that spells their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connections

from planets.cache.storage import keys
from planets.cache.storage.keys import UntellableParameter


def test_names_are_spelled_so() -> None:
    assert keys.gate("default", "Star") == "gen:default:star"
    assert keys.records_gate("default", "Star") == "gen:default:star#rows"
    assert keys.database_gate("default") == "gen:default:*"
    assert keys.server_run("default") == "run:default"
    assert keys.RECORDS["star"].key(3) == "star:3"
    assert keys.lease("star:3") == "lease:{star:3}"
    assert keys.minute(29_000_000) == "stat:29000000"
    assert re.fullmatch("sql:[0-9a-f]{32}", keys.sql("default", "SELECT 1", (), ""))


def test_each_part_of_a_query_makes_another_key() -> None:
    asked = [
        ("default", "SELECT 1", (), ""),
        ("default", "SELECT 2", (), ""),
        ("default", "SELECT 1", (1,), ""),
        ("default", "SELECT 1", ("1",), ""),
        ("default", "SELECT 1", (), "rows"),
    ]
    assert len({keys.sql(*each) for each in asked}) == len(asked)


def test_a_parameter_that_cannot_be_told_is_refused_by_its_type() -> None:
    with pytest.raises(UntellableParameter, match="object cannot be part of a key"):
        keys.sql("default", "SELECT 1", (object(),), "")


@pytest.mark.parametrize(
    ("name", "is_record"),
    [("star:3", True), ("star:x", False), ("comet:3", False), ("sql:3", False), ("star:-3", False)],
)
def test_only_a_number_of_a_table_with_records_names_a_record(name: str, is_record: bool) -> None:
    assert keys.is_record(name) is is_record


@pytest.fixture
def another_alias() -> Iterator[str]:
    """Of the same database."""
    keys.database.cache_clear()
    keys.gate.cache_clear()
    connections.settings["again"] = {**connections.settings["default"]}
    yield "again"
    del connections.settings["again"]
    keys.database.cache_clear()
    keys.gate.cache_clear()


def test_two_aliases_of_one_database_share_their_gates(another_alias: str) -> None:
    assert keys.gate(another_alias, "Star") == keys.gate("default", "star")
