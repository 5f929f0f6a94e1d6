"""Reading the environment: each value is right, or one line says which variable is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

# All that the site reads, each explained in .env.example.
VARIABLES = (
    *("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS"),
    *("HSTS_PRELOAD", "BEHIND_TLS_PROXY"),
    *("BIND", "WORKERS", "THREADS", "EXPLAIN_PAGES"),
    *("DB_HOST", "DB_PORT", "DB_USER", "DB_PASS", "DB_NAME", "DB_TIMEOUT", "SQLITE_PATH"),
    *("DB_CA_CERTS", "DB_CLIENT_CERT", "DB_CLIENT_KEY"),
    "DATABASE_REPLICAS",
    *("WATCH_USER", "WATCH_PASS", "WATCH_LAG", "WATCH_MARK"),
    *(
        "REDIS_URL",
        "REDIS_CA_CERTS",
        "REDIS_CLIENT_CERT",
        "REDIS_CLIENT_KEY",
        "REDIS_SENTINEL_USER",
        "REDIS_SENTINEL_PASSWORD",
        "CACHE_TTL",
        "CACHE_NEAR",
        "CACHE_STALE_IF_ERROR",
        "CACHE_ADVICE",
        "CACHE_AUDIT",
        "CACHE_TRACE",
        "CACHE_TRACE_BYTES",
        "CACHE_TRACE_PERCENT",
        "CACHE_STATUS",
        "METRICS_TOKEN",
    ),
)

TRUE = {"1", "on", "true", "yes"}
FALSE = {"0", "off", "false", "no"}

# What an absent default means: the variable must be set.
REQUIRED: Any = object()


# How the program ends. To gunicorn, 3 says that a new worker would fare no better.
FAILED, WORKER_CANNOT_BOOT = 1, 3


def wrong(name: str, rule: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {os.environ[name]!r}, must be {rule}.")


def read_file(name: str, default: Path) -> None:
    """Take what the environment does not set from a file: the one that `name` names, or `default`
    where there is one. Raises ImproperlyConfigured.
    """
    path = Path(text(name, default))
    if path.exists():
        environ.Env.read_env(path)
    elif path != default:
        raise wrong(name, "a file that is there")


def text(name: str, default: Any = REQUIRED, why: str = "") -> str:
    """A string. Raises ImproperlyConfigured where it is required and missing or empty."""
    # Not django-environ's own look-up: it takes a value that begins with $ for another's name.
    if value := os.environ.get(name, ""):
        return value
    if default is REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set{why and ': ' + why}. See .env.example.")
    return str(default)


def flag(name: str, default: bool) -> bool:
    """on or off, in the usual spellings. Raises ImproperlyConfigured."""
    value = text(name, "on" if default else "off").strip().lower()
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


def whole(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number from `low` to `high`. Raises ImproperlyConfigured."""
    value = number(name, default, low=low, high=high)
    if value != int(value):
        raise wrong(name, "a whole number")
    return int(value)


def port(name: str, default: int) -> str:
    """A TCP port. Raises ImproperlyConfigured."""
    return str(whole(name, default, low=1, high=65535))


def words(name: str) -> list[str]:
    """Comma-separated words; none where it is not set."""
    return [word.strip() for word in text(name, "").split(",") if word.strip()]


def replicas(name: str, primary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The databases `replica1`, `replica2` ... of comma-separated hosts, else as the primary.

    Raises ImproperlyConfigured, without the passwords that may be in it.
    """
    return {
        f"replica{number}": {**primary, **_replica(name, word)}
        | {
            # Who does not answer at once is no help: the primary is there.
            "OPTIONS": {**primary["OPTIONS"], "connect_timeout": 1},
            "TEST": {"MIRROR": "default"},
        }
        for number, word in enumerate(words(name), start=1)
    }


def _replica(name: str, word: str) -> dict[str, str]:
    """What one of them says of itself."""
    if word.startswith("/"):
        return {"HOST": word, "PORT": ""}
    try:
        parts = urlsplit(f"//{word}")
        found = {
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "NAME": unquote(parts.path[1:]),
        }
    except ValueError:
        found = {"HOST": ""}
    if not found["HOST"] or "://" in word or "?" in word:
        raise ImproperlyConfigured(
            f"{name} must be hosts, as replica-1.example.org,replica-2.example.org:3307, or "
            "user:password@host:port/name; or paths of sockets."
        )
    return {part: value for part, value in found.items() if value}


def hosts(name: str) -> list[str]:
    """Comma-separated names of hosts. Raises ImproperlyConfigured."""
    found = words(name)
    if any("/" in host for host in found):
        raise wrong(name, "names alone, as planets.example.org,www.example.org")
    return found


def origins(name: str) -> list[str]:
    """Comma-separated origins with their scheme. Raises ImproperlyConfigured."""
    found = words(name)
    rule = "origins with their scheme, as https://planets.example.org"
    for origin in found:
        try:
            parts = urlsplit(origin)
        except ValueError:  # a [ without its ]
            raise wrong(name, rule) from None
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            raise wrong(name, rule)
    return found


@contextmanager
def one_line_errors(status: int = FAILED) -> Iterator[None]:
    """A configuration that is wrong ends the program with one line instead of a traceback."""
    try:
        yield
    except ImproperlyConfigured as error:
        print(f"Configuration: {error}", file=sys.stderr, flush=True)
        sys.exit(status)
