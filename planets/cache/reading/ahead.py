"""What is computed anew asks at its beginning for what it was computed from last time.

An entry that a write made stale tells by its gates and records what else that write has made stale:
nothing lies behind a gate that is missing, or where a record was. To look there is a round trip for
nothing. So the round trip that claims the entry opens those gates, too, and takes the leases of
what was fetched from behind them:

    1. The entry is looked for. It is stale, and which gates and records are gone is seen.
    2. One round trip: its own lease; the gates that are gone are opened; the leases of what was
       fetched from behind them last time.
    3. Each of those is loaded when it is asked for, and filled under the generation of 2.

That generation was read before the load, as ever, only earlier. A write in between makes the fill
unreachable, and what is computed from it, too. What may lie in Redis is looked for when it is asked
for: no value is read here, so none is served late.

Others wait for as long as a lease is held. So this is for what takes but a moment to compute; and
who holds leases from here waits for nobody's, for two could wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..recent import Recent
from ..storage import gates, leases
from ..storage.keys import is_record
from ..storage.places import primary
from ..storage.wire import Command, Reply
from . import causes, loads
from .lookup import Claim, Lookup, Seen

MOST = 16  # lookups of one entry
REMEMBERED = 4096  # lookups of all
MOMENT = 100.0  # milliseconds that an entry may usually take to compute

_fetched: Recent[str, tuple[Lookup, ...]] = Recent(REMEMBERED)


def remember(key: str, lookups: Iterable[Lookup]) -> None:
    """What was fetched while the entry of this key was computed."""
    fetched = {lookup.keys: lookup for lookup in lookups if _may_be_ahead(lookup)}
    if fetched or key in _fetched:
        _fetched.put(key, tuple(fetched.values())[:MOST], 1 + len(fetched))


def _may_be_ahead(lookup: Lookup) -> bool:
    """What is kept from its second sight on, may be late, or is a replica's, asks for more."""
    return not (lookup.second_sight or lookup.late.max_stale or primary(lookup.alias))


class Ahead:
    """What a computation knows before it begins: generations, and what it may load at once."""

    def __init__(
        self, lookup: Lookup, needed: Iterable[str], tokens: Mapping[str, str | None], filled: float
    ) -> None:
        """`needed`: the gates that the stale entry of this lookup stands behind; `tokens`: how they
        and its records stand now.
        """
        (key,) = lookup.keys
        self.generations: dict[str, str] = {}
        self._filled = filled
        self._gates: list[str] = []
        self._lookups: list[Lookup] = []
        self._claims: dict[tuple[str, ...], tuple[Lookup, Claim]] = {}
        self._spare: list[str] = []
        usual = loads.usual(lookup.sql)
        if usual is None or usual > MOMENT:
            return
        self.generations = {gate: token for gate in needed if (token := tokens[gate])}
        gone = {name for name, token in tokens.items() if token is None}
        self._lookups = [one for one in _fetched.get(key) or () if _is_gone(one, gone)]
        wanted = [*needed, *(gate for one in self._lookups for gate in one.gates)]
        self._gates = [gate for gate in dict.fromkeys(wanted) if gate not in self.generations]

    @property
    def keys(self) -> list[str]:
        """Of what is fetched from behind gates that are gone."""
        return [key for one in self._lookups for key in one.keys]

    def commands(self, token: str) -> list[Command]:
        """What is asked for in the round trip that claims the entry under this token."""
        claims = [leases.claim(key, token) for key in self.keys]
        return [*map(gates.admit, self._gates), *claims]

    def hear(self, token: str, replies: Sequence[Reply]) -> None:
        """The replies to these."""
        told = iter(replies)
        for gate in self._gates:
            if generation := gates.generation(next(told)):
                self.generations[gate] = generation
        for one in self._lookups:
            holders = [leases.holder(next(told)) for _ in one.keys]
            mine = tuple(k for k, holder in zip(one.keys, holders, strict=True) if holder == token)
            generations = tuple(map(self.generations.get, one.gates))
            if mine == one.keys and None not in generations:
                seen = Seen({}, mine, generations, stale=self._stale(one))
                self._claims[mine] = one, Claim(seen, token, mine)
            else:
                self._spare.extend(mine)

    def _stale(self, lookup: Lookup) -> dict[str, causes.Cause]:
        """Why what lies under these keys is not current; of a record nothing is left."""
        if is_record(lookup.keys[0]):
            return {}
        gone = ((gate, "", None) for gate in lookup.gates if gate in self._gates)
        cause = causes.of_gates(gone, ()) or causes.TOO_OLD
        return dict.fromkeys(lookup.keys, cause._replace(filled=self._filled))

    def take(self, lookup: Lookup) -> Claim | None:
        """The claim to all of a lookup, once: nothing of it lies in Redis."""
        found = self._claims.get(lookup.keys)
        if found is None or (found[0].gates, found[0].schema) != (lookup.gates, lookup.schema):
            return None
        return found[1] if self._claims.pop(lookup.keys, None) else None

    def left(self) -> list[str]:
        """The keys whose leases were taken, and nobody has loaded."""
        return [*self._spare, *(key for keys in list(self._claims) for key in keys)]


def _is_gone(lookup: Lookup, gone: set[str]) -> bool:
    """Whether nothing of a lookup lies there that is current."""
    shelf: Any = lookup.shelf
    return not gone.isdisjoint(lookup.gates[shelf.of_value]) or gone.issuperset(lookup.keys)
