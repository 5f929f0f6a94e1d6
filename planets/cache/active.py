"""What is active in this thread or task: language, time zone, URLconf, script prefix.

Mostly none is, and to be told so by Django takes ten times as long as a look at the variables in
which asgiref keeps them. Where an asgiref keeps them in another way, Django is asked each time.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.urls import base, get_script_prefix, get_urlconf
from django.utils import timezone, translation
from django.utils.translation import trans_real


def _variable(local: Any) -> ContextVar[Any]:
    """That of an asgiref Local; one that is always set where it has none."""
    found = getattr(getattr(local, "_storage", None), "_data", None)
    return found if isinstance(found, ContextVar) else ContextVar("unknown", default=True)


_language, _zone = _variable(trans_real._active), _variable(timezone._active)
_urlconf, _prefix = _variable(base._urlconfs), _variable(base._prefixes)


def language() -> str | None:
    """Its code; None where translation is switched off for this thread or task."""
    return settings.LANGUAGE_CODE if _language.get(None) is None else translation.get_language()


def zone() -> str:
    """The name of the time zone."""
    if _zone.get(None) is None:
        return timezone.get_default_timezone_name()
    return timezone.get_current_timezone_name()


def urlconf() -> str:
    """The module of addresses, in words."""
    found = None if _urlconf.get(None) is None else get_urlconf()
    return str(found or getattr(settings, "ROOT_URLCONF", ""))


def prefix() -> str:
    """What every address begins with."""
    return "/" if _prefix.get(None) is None else get_script_prefix()
