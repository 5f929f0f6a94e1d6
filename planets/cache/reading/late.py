"""Late on purpose: how late a fetch may be answered, where its caller has asked for that."""

from __future__ import annotations

from typing import NamedTuple


class Late(NamedTuple):
    """Seconds since an entry was filled, up to which it is served though it is not current.

    `max_stale` of them always; `stale_if_error` where the database is away. 0: never.
    """

    max_stale: float = 0
    stale_if_error: float = 0

    @property
    def kept(self) -> float:
        """How many seconds an entry is kept for those who accept it late; 0: it is not."""
        return max(self)


PUNCTUAL = Late()


def late(max_stale: float = 0, stale_if_error: float = 0) -> Late:
    """Raises ValueError for what is no number of seconds."""
    if type(max_stale) is type(stale_if_error) is int and max_stale == stale_if_error == 0:
        return PUNCTUAL
    asked = Late(max_stale, stale_if_error)
    for name, seconds in asked._asdict().items():
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not (number and 0 <= seconds < float("inf")):
            raise ValueError(f"{name} is {seconds!r}, must be a number of seconds; 0 is never late")
    return asked
