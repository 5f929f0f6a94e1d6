"""The binlog as it comes, by mysql-replication.

Of what that library does by itself, two things are switched off. It would skip events that it does
not know; and where its connection is lost it would begin again where it began first, and say
nothing.
"""

from __future__ import annotations

import logging
import secrets
import select
import ssl
from contextlib import suppress
from typing import Any

from ..extras import extra
from . import raw
from .assembly import Assembly
from .change import Change
from .position import Position
from .source import HEARTBEAT, LOST, SILENCE, Source

with extra("watch"):
    import pymysql
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication import event as events

# It warns of the row metadata, which we do without.
logging.getLogger("pymysqlreplication").setLevel(logging.ERROR)

FATAL = 1236  # ER_MASTER_FATAL_ERROR_READING_BINLOG


class Lost(Exception):
    """The connection is gone: begin again where the position says."""


class Purged(Exception):
    """The server cannot go on from the position."""


class Wire(pymysql.Connection):
    """A connection whose loss is not taken for a reason to begin again."""

    def _read_packet(self, *args: Any, **options: Any) -> Any:
        try:
            self.last = super()._read_packet(*args, **options)
            return self.last
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == FATAL:
                raise Purged(str(error.args[1])) from error
            if error.args and error.args[0] in (2006, 2013):
                raise Lost(str(error)) from error
            raise

    def more_has_come(self) -> bool:
        """Whether something can be read without waiting."""
        if select.select([self._sock], [], [], 0)[0]:
            return True
        self._sock.setblocking(False)
        self._current_timeout = 0  # so that the next read sets its own
        try:
            return bool(self._rfile.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False


class Stream:
    """From a position on. `hear()` waits for the next event, at most for a heartbeat."""

    def __init__(self, source: Source, position: Position, assembly: Assembly) -> None:
        self._assembly = assembly
        self._checksum = source.variable("binlog_checksum") not in ("", "NONE")
        place: dict[str, Any] = {}
        if source.is_mariadb:
            place = {"is_mariadb": True, "annotate_rows_event": True}
            place["auto_position"] = position.gtids
        elif source.has_gtids and position.gtids:
            place["auto_position"] = position.gtids
        else:
            place = {"log_file": position.file, "log_pos": position.offset, "resume_stream": True}
        self._reader = BinLogStreamReader(
            {**source.address, "read_timeout": SILENCE},
            # Any number that no replica has.
            server_id=2**31 + secrets.randbelow(2**31 - 1),
            blocking=True,
            slave_heartbeat=HEARTBEAT,
            filter_non_implemented_events=False,
            ignored_events=[events.BeginLoadQueryEvent, events.MariadbBinLogCheckPointEvent],
            ignore_decode_errors=True,
            enable_logging=False,
            pymysql_wrapper=self._connect,
            **place,
        )
        self._wires: list[Wire] = []  # the first is for the binlog, another for questions

    def _connect(self, **options: Any) -> Wire:
        if "db" in options:  # the old name, of which pymysql warns
            options["database"] = options.pop("db")
        self._wires.append(Wire(**options))
        return self._wires[-1]

    def hear(self) -> Change | None:
        """The transaction that ends with the next event, if one does.

        Raises Lost, Purged, and what pymysql raises.
        """
        try:
            event = self._reader.fetchone()
        except (Lost, Purged, *LOST):
            raise
        except Exception as error:  # whatever the library raises for an event that it cannot read
            change = self._hear_unread(error)
        else:
            if event is None:
                raise Lost("the server has ended the stream")
            change = self._assembly.hear(event)
        if change:
            change.file, change.offset = self._reader.log_file, self._reader.log_pos
        return change

    def _hear_unread(self, error: Exception) -> Change | None:
        """An event that the library has begun to read: MySQL puts more into some than it knows."""
        if not self._wires:
            raise error
        data = self._wires[0].last._data
        at, kind, _, _, end, _ = raw.HEADER.unpack(data[1:20])
        self._reader.log_pos = end or self._reader.log_pos
        return self._assembly.hear_unread(kind, data[20 : -4 if self._checksum else None], at)

    @property
    def at(self) -> Position:
        """Where the last event ended."""
        return Position("", self._reader.log_file or "", self._reader.log_pos or 0)

    def more_has_come(self) -> bool:
        return bool(self._wires) and self._wires[0].more_has_come()

    def close(self) -> None:
        # Not the reader's own close(), which forgets one that could not begin.
        for wire in self._wires:
            with suppress(pymysql.err.MySQLError, OSError):
                wire.close()
