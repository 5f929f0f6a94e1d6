"""How many different parameter sets there were, and which of them stand for all.

The SIZE smallest hashes say both (K minimum values): where the largest of them is a tenth of all
that a hash can be, there are about ten times SIZE; and whoever watches just those watches a fair
sample, the same in every process. Parameters enter as a hash under the site's key, not themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.utils.encoding import force_bytes

SIZE = 256
BITS = 32
ALL = 1 << BITS  # above every hash

PERSON = b"cache-aside acct"  # BLAKE2's own way to tell uses of one secret apart: 16 bytes


def hasher(about: str) -> Any:
    """For hashes of what is about this. Who has no SECRET_KEY of the site's cannot try values."""
    made = blake2b(digest_size=BITS // 8, key=_key(settings.SECRET_KEY))
    made.update(about.encode("utf-8", "surrogatepass"))
    return made


def hash_with(hasher: Any, value: Any) -> int:
    """Of what has a repr()."""
    made = hasher.copy()
    made.update(repr(value).encode("utf-8", "surrogatepass"))
    return int.from_bytes(made.digest(), "big")


def hash_of(value: Any) -> int:
    return hash_with(hasher(""), value)


@lru_cache(maxsize=4)
def _key(secret: str | bytes) -> bytes:
    return blake2b(force_bytes(secret), digest_size=32, person=PERSON).digest()


def add(sketch: list[int], value: int) -> bool:
    """Take in a hash; returns whether it is one of the smallest."""
    if len(sketch) == SIZE and value > sketch[-1]:
        return False
    place = bisect_left(sketch, value)
    if place < len(sketch) and sketch[place] == value:
        return True
    sketch.insert(place, value)
    del sketch[SIZE:]
    return True


def merged(one: list[int], other: list[int]) -> list[int]:
    return sorted({*one, *other})[:SIZE]


def distinct(sketch: list[int]) -> int:
    """How many there are: exact below SIZE, else within a sixteenth of it, mostly."""
    if len(sketch) < SIZE:
        return len(sketch)
    return round((SIZE - 1) * ALL / sketch[-1])


def bound(sketch: list[int]) -> int:
    """Hashes below it are in the sketch, all of them."""
    return ALL if len(sketch) < SIZE else sketch[-1]
