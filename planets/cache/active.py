"""What is active in this thread or task: language, time zone, URLconf, script prefix, connections.

Django asks an asgiref Local for each, which takes ten times as long as a look at the variable that
it keeps them in. Where an asgiref keeps them in another way, it is asked as Django asks it.
"""

from __future__ import annotations

import threading
from asyncio import _get_running_loop
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from asgiref import local
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import base
from django.utils import timezone
from django.utils.translation import trans_real

_Storage = getattr(local, "_Storage", None)


class Active:
    """The value of one Local of Django's, which its tests may put another in place of."""

    def __init__(self, module: Any, name: str) -> None:
        self._names, self._name = vars(module), name
        self._take(self._names[name])

    def _take(self, local: Any) -> None:
        kept = getattr(getattr(local, "_storage", None), "_data", None)
        self._variable = kept if isinstance(kept, ContextVar) else None
        self._local = local

    def value(self) -> Any:
        """As getattr(local, "value", None)."""
        if (local := self._names[self._name]) is not self._local:
            self._take(local)
        if self._variable is not None:
            storage = self._variable.get(None)
            if storage is None:
                return None
            if type(storage) is _Storage:
                # What another thread has left in this context is none of this one's.
                mine = storage.thread_id == threading.get_ident()
                return storage.data.get("value") if mine else None
        return getattr(local, "value", None)


# Django's own names for them, which its stubs do not know.
_language, _zone = Active(trans_real, "_active"), Active(timezone, "_active")
_urlconf, _prefix = Active(base, "_urlconfs"), Active(base, "_prefixes")


def language() -> str | None:
    """Its code; None where translation is switched off for this thread or task."""
    translations = _language.value()
    told = getattr(translations, "to_language", None)
    return told() if told else settings.LANGUAGE_CODE


def zone() -> str:
    """The name of the time zone."""
    if _zone.value() is None:
        return _name_of_default(timezone.get_default_timezone())
    return timezone.get_current_timezone_name()


@lru_cache(maxsize=1)
def _name_of_default(zone: ZoneInfo) -> str:
    return zone.tzname(None) or str(zone)  # as Django's own get_default_timezone_name()


def urlconf() -> str:
    """The module of addresses, in words."""
    return str(_urlconf.value() or getattr(settings, "ROOT_URLCONF", ""))


def prefix() -> str:
    """What every address begins with."""
    return str(_prefix.value() or "/")


def connection(alias: str) -> BaseDatabaseWrapper:
    """As connections[alias]."""
    found = _connections().get(alias)
    return connections[alias] if found is None else found


def open_connections() -> Sequence[BaseDatabaseWrapper]:
    """As connections.all(initialized_only=True)."""
    if found := _connections():
        return [found[alias] for alias in connections.settings if alias in found]
    return connections.all(initialized_only=True)


def _connections() -> Mapping[str, BaseDatabaseWrapper]:
    """Those of this thread; none where they are a task's, or kept in another way."""
    kept = getattr(vars(connections).get("_connections"), "_storage", None)
    if type(kept) is threading.local and _get_running_loop() is None:
        return vars(kept)
    return {}
