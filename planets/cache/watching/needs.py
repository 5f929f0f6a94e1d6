"""What the server and the watcher's user must have, and what of it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .source import Source

# Any of these rights, and what for. Without the last one MariaDB shows nobody a foreign key.
NEEDED = (
    (("REPLICATION SLAVE", "SUPER"), "follow the binlog"),
    (("REPLICATION CLIENT", "BINLOG MONITOR", "SUPER"), "ask where it ends"),
    (("REFERENCES",), "know what a deletion cascades to"),
)


class Need(NamedTuple):
    fatal: bool  # without it nothing can be watched; else less well
    text: str


def missing(source: Source, databases: Mapping[str, str]) -> Iterator[Need]:
    """Of a source that is connected. Raises BinlogOff and LOST."""
    user = source.address["user"]
    for rights, what in NEEDED:
        if not source.may(*rights):
            yield Need(True, f"The user {user!r} may not {what}: GRANT it {rights[0]}.")
            return
    status = source.status()
    kept, ignored = (set(filter(None, str(part).lower().split(","))) for part in status[2:4])
    for name in databases:
        if name in ignored or (kept and name not in kept):
            yield Need(True, f"The server's binlog leaves {name!r} out: binlog_do_db, ignore_db.")
        tables = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s LIMIT 1"
        if not source.ask(tables, [name]):
            yield Need(
                True,
                f"The user {user!r} sees no table of {name!r}, and must know their columns: "
                f"GRANT it SELECT ON {name}.*.",
            )
    if (log_format := source.variable("binlog_format")) not in ("ROW", ""):
        yield Need(
            False,
            f"binlog_format is {log_format}: statements are read as SQL, and one that is not "
            "understood makes everything stale. ROW tells the rows.",
        )
        if not source.may("TRIGGER"):
            yield Need(
                False,
                f"The user {user!r} may not know which tables have triggers, which a statement "
                "sets off unseen, so each statement makes everything stale: GRANT it TRIGGER.",
            )
    if not source.has_gtids:
        yield Need(
            False,
            "The server does not number its transactions so that one can ask what is visible: all "
            "is invalidated twice, a second apart. Set gtid_mode=ON.",
        )
    if source.variable("binlog_row_metadata") != "FULL":
        yield Need(
            False,
            "binlog_row_metadata is not FULL: until the watcher has read that a table was changed, "
            "it may take its columns for others, and miss records for as long as it is behind.",
        )


def tells_statements(source: Source) -> str:
    """What to set so that row events come with their statements; "" where they do."""
    name = "binlog_annotate_row_events" if source.is_mariadb else "binlog_rows_query_log_events"
    return "" if source.variable(name).upper() in ("ON", "1") else f"{name}=ON"
