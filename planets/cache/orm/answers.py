"""What count(), exists() and aggregate() give: one row, fetched again without compiling.

Django makes another query of the one that is counted, and compiles that. So an answer is known by
the fingerprint of the query that is asked, by what it is asked and by the expressions; what Django
had made of it the first time is what is fetched. As a plan, it is remembered at second sight.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextvars import ContextVar
from sys import getsizeof
from typing import Any

from django.core.signals import setting_changed

from ..reading import path
from ..reading.lookup import Lookup
from ..reading.rows import Row, SharedRows
from ..recent import Recent
from .converters import Converters, convert
from .era import era
from .fingerprint import fingerprint, fingerprint_of

MAX_ANSWERS = 1024  # each holds a compiler, some 20 kB
MAX_SEEN = 8192  # questions that came once

Asked = tuple[Any, Lookup]  # a compiler that was asked for one row, and where that belongs

# Those that were asked meanwhile.
_heard: ContextVar[list[Asked] | None] = ContextVar("cache_aside_asked", default=None)


def note(compiler: Any, lookup: Lookup) -> None:
    """One row, which may be cached, is fetched by this compiler."""
    if (heard := _heard.get()) is not None:
        heard.append((compiler, lookup))


class Answer:
    """A compiler that has asked for one row, and how the values in it become what is given."""

    def __init__(self, compiler: Any, lookup: Lookup) -> None:
        self.compiler, self.lookup = copy.copy(compiler), lookup
        self.compiler.connection = None  # which is its thread's
        self.era = era.number
        self._columns = dict(compiler.query.annotation_select)
        self._converters = Converters()

    def _rows(self) -> list[Row]:
        def load(wanted: Sequence[str]) -> dict[str, list[Row]]:
            return {wanted[0]: self.compiler.load_one()}

        (key,) = self.lookup.keys
        found: list[Row] = path.fetch(self.lookup, load)[key]
        return found

    def is_any(self) -> bool:
        """Whether there is a row."""
        return bool(self._rows())

    def values(self) -> dict[str, Any] | None:
        """By the names of the aggregates; None where there is no row."""
        rows = self._rows()
        if not rows:
            return None
        shared = rows if isinstance(rows, SharedRows) else None
        if shared and (made := shared.kept_for(self)):
            return dict(made)
        compiler = self.compiler.of_this_thread()
        columns = self._columns.values()
        found = self._converters.of(compiler.connection, lambda: compiler.get_converters(columns))
        converted = convert(rows, found, compiler.connection)
        given = dict(zip(self._columns, converted[0], strict=True))
        if shared and (not found or self._converters.are_djangos):
            shared.keep_for(self, dict(given), converted, getsizeof(given))
        return given


_known: Recent[Hashable, Answer] = Recent(MAX_ANSWERS)
_seen: Recent[int, bool] = Recent(MAX_SEEN)


def name_of(query: Any, using: str, what: str, expressions: Mapping[str, Any]) -> Hashable | None:
    """What an answer is known by; None where the query or an expression cannot be told."""
    told, found = fingerprint_of(expressions), query.fingerprint()
    return None if told is None or found is None else (using, query.lifetime, what, told, found)


def known(name: Hashable | None) -> Answer | None:
    """What is known by this name."""
    found = None if name is None else _known.get(name)
    return found if found is not None and found.era == era.number else None


def answer(
    query: Any, using: str, what: str, expressions: Mapping[str, Any], ask: Callable[[], Any]
) -> tuple[Answer | None, Any]:
    """What is known to answer this, or else what `ask` gives."""
    name = name_of(query, using, what, expressions)
    if found := known(name):
        return found, None
    if name is None or not _seen.again(hash(name), True):
        return None, ask()
    heard: list[Asked] = []
    token = _heard.set(heard)
    try:
        given = ask()
    finally:
        _heard.reset(token)
    # Where it took none (no row can be there) or several, Django is asked each time. Names in the
    # expressions may have led to what cannot be told: what Django made of them is looked at.
    if len(heard) == 1:
        ((compiler, lookup),) = heard
        if compiler.converts_as_djangos() and fingerprint(compiler.query) is not None:
            _known.put(name, Answer(compiler, lookup))
    return None, given


def clear(**kwargs: Any) -> None:
    """Receiver of `setting_changed`."""
    _known.clear()
    _seen.clear()


setting_changed.connect(clear)
