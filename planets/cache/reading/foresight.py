"""Foresight: who expects to find nothing claims in the round trip that looks.

A miss waits for Redis twice before anything is loaded: to look, and to claim. Which look will miss
nobody knows, but most come after their like: where visitors ask for what nobody has asked for
lately, one miss of a statement follows another, with other parameters. So a look at keys that are
new to this process takes the leases at once, where the last such keys of the same statement had to
be claimed. A guess that was wrong costs leases that are given back; the next look is a plain one.
"""

from __future__ import annotations

from django.core.signals import setting_changed

from ..recent import Recent
from .lookup import Lookup

STATEMENTS, KEYS = 4096, 8192  # remembered
MOST = 16  # keys of one look, so that a wrong guess costs little

_missed: Recent[int, bool] = Recent(STATEMENTS)  # by their hashes: whether a miss is to be expected
_claimed: Recent[str, bool] = Recent(KEYS)  # which lie there by now, it is to be hoped


def expects_a_miss(lookup: Lookup) -> bool:
    """Whether it is worth while to take the leases before it is known that they are needed."""
    if not _missed.get(hash(lookup.sql)) or len(lookup.keys) > MOST:
        return False
    if any(key in _claimed for key in lookup.keys):
        return False
    return is_filled_at_once(lookup)


def is_filled_at_once(lookup: Lookup) -> bool:
    """Whether what is not there is to be filled; else a lease would perhaps be taken in vain."""
    return not (lookup.second_sight or lookup.late.max_stale)


def has_claimed(lookup: Lookup) -> None:
    """A fetch has missed, and is to fill."""
    _missed.put(hash(lookup.sql), True)
    for key in lookup.keys:
        _claimed.put(key, True)


def was_wrong(lookup: Lookup) -> None:
    """What was expected to miss has not, or is not to be filled now."""
    _missed.put(hash(lookup.sql), False)


def forget() -> None:
    """Expect nothing of any statement."""
    _missed.clear()
    _claimed.clear()


def _reset(*, setting: str, **kwargs: object) -> None:
    if setting in ("CACHES", "CACHE_ASIDE"):
        forget()  # keys lie elsewhere now


setting_changed.connect(_reset)
