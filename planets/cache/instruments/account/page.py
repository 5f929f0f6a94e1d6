"""What the request that is served here has asked so far.

A page that is served whole has asked nothing, and pays for no more than its beginning and its end.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

MOST_CALLS = 1_000  # of one statement

Asked = dict[str, list[int]]  # by the statement's digest: the hashes of its parameters

NOTHING_YET: Asked = {}
# None: no request is served here.
_asked: ContextVar[Asked | None] = ContextVar("cache_aside_asked", default=None)


def begins(**kwargs: Any) -> None:
    """Receiver of request_started."""
    _asked.set(NOTHING_YET)


def asks(digest: str, key: int) -> None:
    found = _asked.get()
    if found is None:
        return
    if found is NOTHING_YET:
        _asked.set(found := {})
    calls = found.get(digest)
    if calls is None:
        found[digest] = [key]
    elif len(calls) < MOST_CALLS:
        calls.append(key)


def asked() -> Asked:
    return _asked.get() or NOTHING_YET


def ends() -> Asked:
    """What it has asked more than once."""
    found = _asked.get()
    if found is None:
        return NOTHING_YET
    _asked.set(None)
    if found is NOTHING_YET:
        return found
    return {digest: calls for digest, calls in found.items() if len(calls) > 1}
