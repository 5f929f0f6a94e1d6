"""How things in Redis are named: the one place of the tests that spells their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from planets.cache.storage import keys, places
from planets.cache.storage.keys import UntellableParameter


@pytest.mark.parametrize("prefix", ["", "staging:"])
def test_names_are_spelled_so(prefix: str, settings: Any) -> None:
    settings.CACHE_ASIDE = {"PREFIX": prefix}
    name = places.database_name("default")
    assert keys.gate("default", "Star") == f"{prefix}gen:{name}:star"
    assert keys.records_gate("default", "Star") == f"{prefix}gen:{name}:star#rows"
    assert keys.database_gate("default") == f"{prefix}gen:{name}:*"
    assert keys.is_database_gate(keys.database_gate("default"))
    assert not keys.is_database_gate(keys.gate("default", "Star"))
    assert keys.RECORDS["star"].key(3) == f"{prefix}star:3"
    assert keys.lease(f"{prefix}star:3") == f"{prefix}lease:{{{prefix}star:3}}"
    assert keys.minute(29_000_000) == f"{prefix}stat:29000000"
    assert re.fullmatch(f"{prefix}sql:[0-9a-f]{{32}}", keys.sql("default", "SELECT 1", (), ""))
    assert re.fullmatch(f"{prefix}page:[0-9a-f]{{32}}", keys.computed("page", "/", None))


def test_a_kind_is_told_by_the_name_of_a_key(settings: Any) -> None:
    settings.CACHE_ASIDE = {"PREFIX": "ours:"}
    kinds = {"ours:sql:1": "sql", "ours:gen:x:y": "gate", "ours:page:1": "page", "sql:1": ""}
    assert {key: keys.kind(key) for key in kinds} == kinds
    assert (keys.is_record("ours:star:3"), keys.is_record("star:3")) == (True, False)


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
    connections.settings["again"] = {**connections.settings["default"]}
    yield "again"
    del connections.settings["again"]


def test_two_aliases_of_one_database_share_their_gates(another_alias: str) -> None:
    assert keys.gate(another_alias, "Star") == keys.gate("default", "star")


def test_entries_are_of_one_kind_of_connection(another_alias: str) -> None:
    """Another user, or another sql_mode, may be answered otherwise."""
    there = connections.settings[another_alias]
    same = keys.sql("default", "SELECT 1", (), "")
    assert keys.sql(another_alias, "SELECT 1", (), "") == same
    there["OPTIONS"] = {**there["OPTIONS"], "read_timeout": 3}
    assert keys.sql(another_alias, "SELECT 1", (), "") == same
    for change in ({"USER": "another"}, {"OPTIONS": {"init_command": "SET sql_mode = ''"}}):
        there.update(change)
        assert keys.sql(another_alias, "SELECT 1", (), "") != same


def test_a_database_in_memory_is_its_own_process_s() -> None:
    connections.settings["memory"] = {
        **connections.settings["default"], "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
    }  # fmt: skip
    try:
        assert str(os.getpid()) in places.database_name("memory")
    finally:
        del connections.settings["memory"]


def test_two_files_of_one_name_are_two_databases() -> None:
    one, other = (places._plain(f"/srv/{site}/db.sqlite3") for site in "ab")
    assert one != other
    assert one.startswith("db.sqlite3~")
