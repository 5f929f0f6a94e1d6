"""What the server itself counts of each statement: performance_schema, where it is on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import DatabaseError, connections

from ..instruments.account.ledger import Ledger
from .evidence import Scan

PICOSECONDS = 1e12
ASK = """
    SELECT DIGEST_TEXT, COUNT_STAR, SUM_ROWS_EXAMINED, SUM_ROWS_SENT, SUM_TIMER_WAIT
    FROM performance_schema.events_statements_summary_by_digest
    WHERE SCHEMA_NAME = DATABASE() AND DIGEST_TEXT IS NOT NULL AND COUNT_STAR > 0
"""
CUT = "..."  # the end of a text that the server has cut off


class NotCounted(Exception):
    """The server does not count, or this user may not read it; says what to do."""


def scans(ledger: Ledger, alias: str) -> dict[str, Scan]:
    """What the server read and sent, by the digests of the ledger's lines. Raises NotCounted."""
    connection = connections[alias]
    if connection.vendor != "mysql":
        raise NotCounted(
            f"{alias!r} is a {connection.display_name}, which has no performance_schema."
        )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@performance_schema")
            if not cursor.fetchone()[0]:
                raise NotCounted(
                    "performance_schema is off: start the server with performance_schema=ON."
                )
            cursor.execute(ASK)
            rows = cursor.fetchall()
    except DatabaseError as error:
        raise NotCounted(
            f"performance_schema cannot be read ({error}): GRANT SELECT ON performance_schema.* "
            "to the site's user."
        ) from error
    return matched(ledger, rows)


def matched(ledger: Ledger, rows: Iterable[tuple[str, int, int, int, int]]) -> dict[str, Scan]:
    """Of the lines that the server's texts belong to without doubt."""
    lines = {digest: bare(line.text) for digest, line in ledger.lines.items() if line.kind == "sql"}
    found: dict[str, Scan] = {}
    for text, calls, examined, sent, picoseconds in rows:
        wanted = bare(text.removesuffix(CUT))
        cut = text.endswith(CUT)
        mine = [
            d for d, line in lines.items() if line == wanted or (cut and line.startswith(wanted))
        ]
        if len(mine) == 1:
            scan = Scan(int(calls), int(examined), int(sent), int(picoseconds) / PICOSECONDS)
            found[mine[0]] = found.get(mine[0], Scan()).plus(scan)
    return found


def bare(text: str) -> str:
    """The same for the server's way to write it and for ours."""
    text = re.sub(r"\s+|`", "", text).upper()
    return re.sub(r"\((?:\?|\.\.\.)(?:,(?:\?|\.\.\.))*\)", "(?)", text)
