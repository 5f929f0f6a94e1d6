"""How far the primary of a replicated database had come: what a replica must have applied.

A position is the text `<order>/<gtids>`: all that was in the primary's binlog at some moment after
a write was committed, so it is never before that write. Of two that one primary gave, the later one
holds the earlier, and has the greater order: the number of transactions. After a failover that has
lost some, a position of before may seem to be the later one. No replica reaches it, so what is
asked for by it comes from the primary, which puts its own in its place (reading/replicas.py).
"""

from __future__ import annotations

import re

UNKNOWN = ""

_RANGE = re.compile(r":(\d+)(?:-(\d+))?")  # of MySQL's: <server>[:<tag>]:1-5:7
_LAST = re.compile(r"\d+-\d+-(\d+)")  # of MariaDB's: <domain>-<server>-<number>
_FORM = re.compile(r"\d+/[\w:,-]+", re.ASCII)


def is_position(text: str) -> bool:
    """Whether a text from Redis is one: what is in a key anybody may have written."""
    return _FORM.fullmatch(text) is not None


def position(gtids: str, *, mariadb: bool) -> str:
    """That of a set of gtids, as the server tells it; UNKNOWN of an empty one."""
    gtids = "".join(gtids.split())
    if mariadb:
        order = sum(map(int, _LAST.findall(gtids)))
    else:
        order = sum(int(last or first) - int(first) + 1 for first, last in _RANGE.findall(gtids))
    return f"{order}/{gtids}" if order else UNKNOWN


def order_of(text: str) -> int:
    return int(text.partition("/")[0])


def gtids_of(text: str) -> str:
    return text.partition("/")[2]
