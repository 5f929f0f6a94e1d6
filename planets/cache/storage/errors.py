"""Why Redis did not do what it was asked."""

import re

from redis.exceptions import (
    ClusterDownError,
    MaxConnectionsError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

# What redis-py raises where Redis is not reachable, or answers with an error: a cluster's own
# exception is none of its others.
FAILURES = (RedisError, RedisClusterException, OSError)


class NodeAway(RedisConnectionError):
    """One node of a Redis Cluster did not answer; `for_good`: so many times in a row."""

    def __init__(self, node: str, error: Exception, *, for_good: bool) -> None:
        super().__init__(f"{node}: {error}")
        self.node, self.for_good = node, for_good


class Unavailable(Exception):
    """Redis did not answer, or is not being asked. The caller does without it."""


class Refused(Unavailable):
    """Redis answered that it will not do that (full, read-only, loading, no permission ...)."""


class Foreign(Unavailable):
    """Redis answered, and what it holds is of another database of the same name."""


class Misconfigured(Unavailable):
    """CACHES has no Redis that the layer could use."""


# What redis-py has a class for, and the words of what it has none for, or of what stands in the
# error of a script: Redis 6 puts words of its own around it, Redis 8 and Valkey others.
FINAL = (ClusterDownError, MovedError, NoPermissionError, ReadOnlyError)
FINAL_WORDS = re.compile(
    "READONLY|MISCONF|NOREPLICAS|NOPERM|NOAUTH|[Uu]nknown (Redis )?command"
    "|can't run this command|can't access at least one of the keys|ACL failure in script"
)


def words(error: Exception) -> str:
    """What it says, without all that redis-py knows of each sentinel that it asked in vain."""
    return str(error).partition(" : <")[0] or type(error).__name__


def is_full(error: object) -> bool:
    """Redis has no memory for a fill. It still serves, and an invalidation needs none."""
    return isinstance(error, OutOfMemoryError) or "-OOM " in str(error)


def is_forbidden(error: object) -> bool:
    """Redis does not let this user do that, or has been told not to know the command."""
    return isinstance(error, NoPermissionError) or "unknown command" in str(error)


def is_final(error: object) -> bool:
    """It is not about one key: Redis will say the same until somebody mends it."""
    return isinstance(error, FINAL) or FINAL_WORDS.search(str(error)) is not None


def is_silence(error: object) -> bool:
    """A server did not answer, or is not there."""
    silent = isinstance(error, RedisConnectionError | RedisTimeoutError | OSError)
    return silent and not isinstance(error, MaxConnectionsError)


def is_non_local(error: object) -> bool:
    """A script may not touch a key here: it has deleted it, and its slot is on its way."""
    return "access a non local key" in str(error)
