"""Hash slots: which part of a Redis Cluster a key lies in."""

from __future__ import annotations

from binascii import crc_hqx
from functools import lru_cache
from itertools import count
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import conf

SLOTS = 16384


def slot_of(key: str | bytes) -> int:
    """The slot of a key: of what stands between its first braces, if anything does."""
    name = key.encode() if isinstance(key, str) else key
    start = name.find(b"{")
    if start >= 0 and (end := name.find(b"}", start + 1)) > start + 1:
        name = name[start + 1 : end]
    return crc_hqx(name, 0) % SLOTS


@lru_cache(maxsize=1)
def clustered() -> bool:
    """Whether CACHES names a Redis Cluster, as the connection factory there tells.

    It must be known before there is a connection: keys have other names there, and a write that
    cannot reach Redis owes them.
    """
    cache: Any = settings.CACHES.get(conf().REDIS, {})
    usual = getattr(settings, "DJANGO_REDIS_CONNECTION_FACTORY", "")
    factory = cache.get("OPTIONS", {}).get("CONNECTION_FACTORY") or usual
    try:
        return bool(factory) and getattr(import_string(factory), "cluster", False)
    except ImportError:
        return False  # nobody can connect


@lru_cache(maxsize=64)
def part_of(name: str, part: int, parts: int) -> str:
    """The name with the first number behind it that puts it into this part of all slots."""
    here = (f"{name}{number}" for number in count())
    return next(key for key in here if slot_of(key) * parts // SLOTS == part)


@lru_cache(maxsize=64)
def name_in(slot: int) -> str:
    """What lies in a slot if it stands between braces."""
    return next(name for name in map(str, count()) if slot_of(name) == slot)


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in ("CACHES", "CACHE_ASIDE", "DJANGO_REDIS_CONNECTION_FACTORY"):
        clustered.cache_clear()


setting_changed.connect(_forget)
