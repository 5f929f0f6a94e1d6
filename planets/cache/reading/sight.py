"""Second sight: what anybody can vary without end is kept only where it is asked for again.

A search, a comparison, a number that no row has: a stranger makes up as many as he likes, and each
would be an entry that takes the room of what all visitors share. So what is declared like that is
read from the database at first sight and leaves nothing in Redis, no entry and no lease. That it
was seen, this process alone remembers, in a bounded memory that may forget: then the next sight is
the first one again. With several processes it is kept when one of them sees it twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..recent import Recent

FIRST_SIGHT = "it is kept from its second sight on"
REMEMBERED = 8192  # keys

_seen: Recent[str, bool] = Recent(REMEMBERED)


def is_first(keys: Iterable[str]) -> bool:
    """Whether one of these is seen for the first time; from now on they all were."""
    new = [key for key in keys if not _seen.again(key, True)]
    return bool(new)
