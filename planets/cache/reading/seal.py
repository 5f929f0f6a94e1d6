"""The seal of what lies in Redis: a keyed hash, by which a process knows the site's own entries.

Whoever may write to Redis, but does not have the site's SECRET_KEY, can neither make an entry, nor
change one, nor put one under another key: each is a miss.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from django.conf import settings
from django.utils.encoding import force_bytes

BYTES = 16
PERSON = b"cache-aside seal"  # BLAKE2's own way to tell uses of one secret apart: 16 bytes


def seal(key: str, *parts: bytes) -> bytes:
    """BLAKE2b, under a key derived from SECRET_KEY, of a name in Redis and what lies there.

    Raises ImproperlyConfigured where there is no SECRET_KEY.
    """
    made = blake2b(key.encode(), digest_size=BYTES, key=_derived(settings.SECRET_KEY))
    for part in parts:
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.digest()


@lru_cache(maxsize=4)
def _derived(secret: str | bytes) -> bytes:
    return blake2b(force_bytes(secret), digest_size=32, person=PERSON).digest()
