"""Reading the environment: each value is right, or one line says which variable is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

TRUE = {"1", "on", "true", "yes"}
FALSE = {"0", "off", "false", "no", ""}

# What an absent default means: the variable must be set.
REQUIRED: Any = object()


def wrong(name: str, rule: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {env.str(name)!r}, must be {rule}.")


def text(name: str, default: Any = REQUIRED, why: str = "") -> str:
    """A string. Raises ImproperlyConfigured where it is required and missing or empty."""
    value = env.str(name, default="")
    if value:
        return str(value)
    if default is REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set{why and ': ' + why}. See .env.example.")
    return str(default)


def flag(name: str, default: bool) -> bool:
    """on or off, in the usual spellings. Raises ImproperlyConfigured."""
    value = env.str(name, default="on" if default else "off").strip().lower()
    if value not in TRUE | FALSE:
        raise wrong(name, "on or off")
    return value in TRUE


def number(name: str, default: float, *, low: float, high: float) -> float:
    """A number from `low` to `high`. Raises ImproperlyConfigured."""
    rule = f"a number from {low:g} to {high:g}"
    try:
        value = float(text(name, default))
    except ValueError:
        raise wrong(name, rule) from None
    if not low <= value <= high:
        raise wrong(name, rule)
    return int(value) if value.is_integer() else value


def words(name: str) -> list[str]:
    """Comma-separated words; none where it is not set."""
    return [word.strip() for word in env.str(name, default="").split(",") if word.strip()]


def origins(name: str) -> list[str]:
    """Comma-separated origins with their scheme. Raises ImproperlyConfigured."""
    found = words(name)
    if not all(urlsplit(origin).scheme in ("http", "https") for origin in found):
        raise wrong(name, "origins with their scheme, as https://planets.example.org")
    return found


def redis_url(name: str, default: Any) -> str:
    """An address of Redis. Raises ImproperlyConfigured, without the password that may be in it."""
    url = text(name, default, "the address of Redis, as redis://127.0.0.1:6379/0")
    parts = urlsplit(url)
    try:
        place = parts.path if parts.scheme == "unix" else parts.hostname
        good = parts.scheme in ("redis", "rediss", "unix") and bool(place) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ImproperlyConfigured(
            f"{name} must be redis://host:port/number, rediss:// for TLS, or unix:///path; "
            f"its scheme is {parts.scheme!r}."
        )
    return url


@contextmanager
def one_line_errors() -> Iterator[None]:
    """A configuration that is wrong ends the program with one line instead of a traceback."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
