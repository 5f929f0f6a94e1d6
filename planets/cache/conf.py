"""The `CACHE_ASIDE` setting: every name, its default, its unit and its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


def _default(value: Any, rule: str, low: float = 0, high: float = float("inf")) -> Any:
    metadata = {"rule": rule, "low": low, "high": high}
    if isinstance(value, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=value, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """Times are seconds, sizes are bytes."""

    ENABLED: bool = _default(True, "False sends every fetch to the database")
    REDIS: str = _default("default", "the alias in CACHES of the django-redis cache to use")
    PREFIX: str = _default("", "what every key begins with, where sites share a Redis")
    TTL: float = _default(300, "how long an entry lives", 1)
    JITTER: float = _default(0.1, "share by which each TTL is varied, up or down", 0, 0.9)
    ABSENT_TTL: float = _default(30, "how long the absence of a row is remembered", 1)
    MAX_BYTES: int = _default(1_048_576, "a larger entry is not stored", 1)
    COMPRESS_ABOVE: int = _default(8_192, "an entry above this is compressed; 0: none is")
    ALSO: dict[str, Sequence[str]] = _default(
        {}, "table to the tables and views that change with it: by trigger, cascade, definition"
    )
    HOT: dict[str, Sequence[str]] = _default(
        {}, "table to the columns that are written so often that other reads must not notice"
    )
    SAME_AS: dict[str, str] = _default(
        {}, "alias of a replica to that of its primary, whose gates and entries it shares"
    )
    REPLICA_WAIT: float = _default(
        0.1, "how long a load waits for a replica to have what was written; then the primary", 0.001
    )
    DATABASE_ID: str = _default(
        "", "what tells this site's database from another of its name; without: its server does"
    )
    # Off: "never stale in any process" has no exception. On, another process may serve an entry for
    # as long as Redis takes to push that it changed.
    NEAR: bool = _default(
        False, "True keeps entries in each process too, where a hit costs nothing"
    )
    NEAR_BYTES: int = _default(16_777_216, "memory that they may take in each process", 1)
    WRITE_THROUGH: bool = _default(False, "True fills a record at once when its row was saved")
    # A load longer than this is rare on a page; a holder that died delays others no longer.
    LEASE: float = _default(3, "how long one caller may take to load and fill one key", 0.01)
    LEASE_WAIT: float = _default(2, "how long others wait for it before they load themselves")
    # Bounds what a process killed between COMMIT and its invalidation leaves uncached. Longer than
    # innodb_lock_wait_timeout, 50: a statement may be carried out that long after its client died.
    WRITE_DEADLINE: float = _default(60, "how long a write keeps its gates closed at most", 1)
    BREAKER_FAILURES: int = _default(3, "failures in a row after which Redis is left alone", 1)
    BREAKER_PROBE: float = _default(0.5, "time between two attempts to reach it again", 0.01)
    HISTORY: float = _default(10, "time between two additions to the shared hit counts; 0: none")
    ADVICE: bool = _default(False, "True keeps the account of statements that advise_cache reads")
    AUDIT: float = _default(0, "of all hits, the share that is loaded again and compared", 0, 1)
    RELEASE: str = _default("", "what tells this release's pages from others'; without: its code")
    WATCH: dict[str, Any] = _default(
        {}, "of DATABASES, what is other for the connection of the watcher: USER, PASSWORD ..."
    )
    WATCH_LAG: float = _default(0, "how far a watcher may be behind; 0: there need be none")
    MARK: bool = _default(False, "True marks each write, so that an audit of the binlog knows it")
    READS: str = _default("", "the module that names the reads to warm and to measure")
    NAME: str = _default("cache-aside", "what the Cache-Status header calls this cache")
    METRICS_TOKEN: str = _default(
        "", "who has it may read the metrics; without: nobody but in DEBUG"
    )
    TRACE: str = _default("", "the file that records which entries are fetched; without: none does")
    TRACE_BYTES: int = _default(10_000_000, "what that file may grow to", 1000)
    TRACE_PERCENT: float = _default(100, "of so many in a hundred keys", 1, 100)

    def also(self, table: str) -> set[str]:
        """ALSO of a table; MySQL may fold the case of names, so this does."""
        return _of_table(self.ALSO, table)

    def hot(self, table: str) -> frozenset[str]:
        """HOT of a table; neither tables nor columns are told apart by case."""
        return frozenset(_of_table(self.HOT, table))

    def __post_init__(self) -> None:
        for option in fields(self):
            value, rule = getattr(self, option.name), option.metadata
            if option.type in ("int", "float"):
                good = isinstance(value, int if option.type == "int" else (int, float))
                good = good and not isinstance(value, bool) and rule["low"] <= value <= rule["high"]
                wanted = f"{option.type} from {rule['low']} to {rule['high']}"
            else:
                wanted = str(option.type).partition("[")[0]
                good = type(value).__name__ == wanted
            if not good:
                raise ImproperlyConfigured(
                    f"CACHE_ASIDE[{option.name!r}] is {value!r}, must be {wanted}: {rule['rule']}."
                )
            for table, names in value.items() if "Sequence" in str(option.type) else ():
                if isinstance(names, str) or not all(isinstance(n, str) for n in (table, *names)):
                    raise ImproperlyConfigured(
                        f"CACHE_ASIDE[{option.name!r}][{table!r}] is {names!r}, must be a list of "
                        f"names: {rule['rule']}."
                    )


def _of_table(given: dict[str, Sequence[str]], table: str) -> set[str]:
    if not given:
        return set()
    found = (names for name, names in given.items() if name.lower() == table)
    return {name.lower() for names in found for name in names}


@lru_cache(maxsize=1)
def conf() -> Conf:
    """The settings in force.

    Raises ImproperlyConfigured where a name is unknown or a value breaks its rule.
    """
    given = getattr(settings, "CACHE_ASIDE", {})
    names = [option.name for option in fields(Conf)]
    if unknown := sorted(set(given) - set(names)):
        raise ImproperlyConfigured(
            f"CACHE_ASIDE has unknown names {unknown!r}; known are {', '.join(names)}."
        )
    return Conf(**given)


def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting == "CACHE_ASIDE":
        conf.cache_clear()


setting_changed.connect(_reset)
