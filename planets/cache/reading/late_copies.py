"""What is served late: a second copy of each entry whose caller accepts that.

    sql:<digest>            goes out of reach with a write, is filled anew, ends with its TTL
    late:{sql:<digest>}     stays as it was filled, for as long as its caller accepts it

It is a copy, as the entry itself does not survive what makes it stale: a record is deleted, for
other programs read it by its name. It is asked for only where the entry is no hit, and stands
behind the gates of everything alone: what makes all of a database unreachable, `invalidate` by hand
or a Redis that may have forgotten a write, makes it unreachable, too.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from ..storage import keys
from ..storage.client import client
from ..storage.errors import Unavailable
from .envelope import Undecodable
from .lookup import Found, Lookup, Seen

WHY = "it was written, or its TTL has ended"


def accepted(lookup: Lookup, seen: Seen) -> Seen:
    """The same with what is not later than `max_stale` among the hits: one round trip more.

    Raises Unavailable.
    """
    found = _copies(lookup, seen, lookup.late.max_stale)
    missing = tuple(key for key in seen.missing if key not in found)
    return replace(seen, hits=seen.hits | found, missing=missing)


def instead(lookup: Lookup, seen: Seen) -> Seen | None:
    """What is served while the database is away; None where not all that is missing is there."""
    try:
        found = _copies(lookup, seen, lookup.late.stale_if_error)
    except Unavailable:
        return None
    if len(found) < len(seen.missing):
        return None
    return replace(seen, hits=seen.hits | found, missing=())


def _copies(lookup: Lookup, seen: Seen, seconds: float) -> dict[str, Found]:
    """The copies of what is missing that were filled at most so many seconds ago."""
    shelf, found = lookup.shelf, {}
    replies = client.ask(*(shelf.read(keys.late(key)) for key in seen.missing))
    for key, reply in zip(seen.missing, replies, strict=True):
        try:
            copy = shelf.decode(lookup, key, reply)
        except Undecodable:
            continue
        if copy and time.time() - copy.filled <= seconds and shelf.may_be_late(lookup, seen, copy):
            cause = seen.stale.get(key)
            found[key] = replace(copy, late=cause.told if cause else WHY)
    return found
