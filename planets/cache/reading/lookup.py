"""What is asked of the cache, and what came of it: the values that the read path hands on.

They are Structs of msgspec, which are made in a fifth of the time that a NamedTuple takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from ..conf import conf
from ..events import Kind, Outcome, Tier
from ..storage.leases import Expiry
from ..storage.wire import Command, Reply
from .causes import Cause
from .late import PUNCTUAL, Late

Generations = tuple[str | None, ...]  # of a lookup's gates; None: closed by a writer, or missing


class Found(Struct, frozen=True):
    """A value as it lay in Redis."""

    value: Any
    generation: tuple[str, ...]
    expires: float  # Unix time
    bytes: int
    load_ms: float | None = None
    filled: float = 0.0  # Unix time
    token: str = ""  # of a record: the lease that it was filled under
    late: str = ""  # why it is not current, where it is served all the same
    schema: str = ""  # of a record: see Lookup


class Seen(Struct, frozen=True):
    """What a look has seen: what is there and current, and what is missing."""

    hits: dict[str, Found]
    missing: tuple[str, ...]
    generations: Generations = ()
    barred: str = ""  # why nothing may be filled now: a writer holds a gate, for instance
    unreadable: dict[str, str] = {}  # by key: why what lay there is no entry
    stale: dict[str, Cause] = {}  # by key: why the entry that lay there is not current
    positions: tuple[str, ...] = ()  # of a replica's lookup, with its generations: see replicas.py
    ahead: Any = None  # of what is to be computed anew: see ahead.py


class Claim(Struct, frozen=True):
    """Which of the missing keys are ours to fill, and what was seen when we asked for them."""

    seen: Seen
    token: str = ""
    mine: tuple[str, ...] = ()
    reason: str = ""  # why nothing is to be filled
    waits: int = 0  # for those who had the leases


class Begun(Struct, frozen=True):
    """A fetch before its load: what is there, and what its loader may fill."""

    claimed: Claim
    outcome: Outcome  # of what is missing
    tier: Tier  # of what is there
    reason: str
    started: float


class Loaded(Struct, frozen=True):
    """What the database gave for the missing keys."""

    values: dict[str, Any]
    ms: float | None = None  # each key's share of the time that it took


class Forbidden(Exception):
    """What was found must not be served to this reader now; says why."""


class Shelf(Protocol):
    """How one kind of value lies in Redis, and what proves that it is current."""

    kind: Kind
    only_absences: bool  # can be varied without end; what is there is what the database has

    def near(self, lookup: Lookup) -> Seen | None:
        """What this process keeps, where that is all of the lookup and current."""

    def look(self, lookup: Lookup, wanted: Sequence[str]) -> list[Command]:
        """The commands of a look."""

    def read(self, key: str) -> Command:
        """The command that asks for one entry."""

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        """What was stored under a key; None where there is nothing. Raises Undecodable."""

    def may_be_late(self, lookup: Lookup, seen: Seen, found: Found) -> bool:
        """Whether what is not current may be served to who accepts that. Raises Unavailable."""

    def judge(
        self, lookup: Lookup, wanted: Sequence[str], asked: Sequence[Command], replies: list[Reply]
    ) -> Seen:
        """The replies to the commands of a look, sorted into hits and what is missing.

        Raises Unavailable where it had to ask once more, Forbidden.
        """

    def tables(self, lookup: Lookup, value: Any) -> tuple[str, ...]:
        """The tables that a value was read from; of what was not looked for, None."""

    def records(self, value: Any) -> tuple[str, ...]:
        """The records that a value was computed from."""

    def keep(self, lookup: Lookup, ticket: int, seen: Seen) -> None:
        """Let the near tier keep what a look has found."""

    def admit(self, lookup: Lookup, seen: Seen) -> list[Command]:
        """The commands that open the gates that were missing."""

    def ttl(self, lookup: Lookup, value: Any) -> float:
        """How many seconds a loaded value is to be kept, about."""

    def refuse(self, lookup: Lookup, seen: Seen, value: Any) -> str:
        """Why a loaded value must not be stored; "" where it may."""

    def fill(
        self,
        lookup: Lookup,
        key: str,
        token: str,
        expiry: Expiry,
        found: Found,
    ) -> Command:
        """The command that stores a loaded value. Raises Unencodable."""

    def generation(self, lookup: Lookup, generations: Generations, value: Any) -> Generations:
        """The generations that an entry of this value stands behind."""

    def note(self, lookup: Lookup, seen: Seen, loaded: Loaded, stored: Mapping[str, str]) -> None:
        """Tell what is being computed around this fetch what it now depends on.

        `stored` has the token that each key was filled under.
        """


# The alias of what may read of any database.
ANY = ""


def check_ttl(ttl: float | None) -> None:
    """Raises ValueError for a TTL that is no number of seconds; None is the default."""
    if ttl is not None and not (isinstance(ttl, int | float) and 0 < ttl < float("inf")):
        raise ValueError(
            f"ttl is {ttl!r}, must be more than 0 seconds; leave it out for CACHE_ASIDE['TTL']"
        )


def oldest(ttl: float | None) -> float:
    """The max_age of who asks for a TTL: as long as an entry of his own filling may live."""
    return (ttl if ttl is not None else conf().TTL) * (1 + conf().JITTER)


class Lookup(Struct, frozen=True):
    """Keys of one shelf, the gates that they may stand behind, and how long to keep them.

    `ttl` is seconds, None the default; `expire_at` takes precedence over it. `max_age` bounds, in
    seconds since it was filled, what is served, whoever filled it. What can be varied without end
    is kept from its `second_sight` on: see sight.py.
    """

    shelf: Shelf
    alias: str
    keys: tuple[str, ...]
    gates: tuple[str, ...]
    tables: tuple[str, ...]
    sql: str
    ttl: float | None = None
    expire_at: datetime | None = None
    max_age: float | None = None
    late: Late = PUNCTUAL
    second_sight: bool = False
    schema: str = ""  # of records: of which columns and database they must be
    params: Any = ()  # of a statement, for who looks on: they are told to nobody else


# Gives the values of the keys that it is handed; a value of None is an absence.
Load = Callable[[Sequence[str]], dict[str, Any]]
