"""Whether Redis lets the cache do what it does: tried out, with keys that are gone after it.

What a server says of itself (INFO, ACL GETUSER) need not be what it does, and may not be asked. So
each command of the site is sent once, in the order of a key's life: claim, fill, read, invalidate,
drop. What is refused is named, with the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from redis.cluster import RedisCluster
from redis.exceptions import ClusterCrossSlotError, MovedError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from ..conf import conf
from ..events import COMPUTED
from ..instruments.nodes import nodes
from ..storage import gates, greeting, keys, leases, owners, topology
from ..storage.client import client
from ..storage.errors import FINAL_WORDS, is_forbidden, is_full
from ..storage.mistaken import ONE_OF_A_CLUSTER, mistake
from ..storage.slots import slot_of
from ..storage.wire import Command

PERMIT = re.compile(r"Permit .*?ACL SETUSER <user> (.*?)\. ")
FEW = 5  # permissions that are missed one by one
ALL_RULES = "docs/operating.md of the cache has all that its user must be allowed."
LIVES = 10_000  # milliseconds, of a key that somebody interrupted
VALUE = b"canary"

# What a Redis older than 5 says of a script that asks for the time before it writes.
TOO_OLD = re.compile("non.deterministic", re.I)
KEYS = re.compile("one of the keys|to access a key")
# Of a command that is not there at all: renamed, or kept away by a managed Redis or by a proxy.
TAKEN_AWAY = re.compile("unknown (sub)?command|unsupported command|not (allowed|supported)", re.I)
COMMAND = re.compile(r"'([\w|]+)' (?:command|subcommand)|unknown command '?`?(?!called)(\w+)", re.I)


class Step(NamedTuple):
    """One thing that the cache does, and what must come of its last command."""

    what: str
    commands: Sequence[Command]
    good: Callable[[Any], bool] = lambda reply: True
    only_looks: bool = False  # the admin page and the commands ask it, and no fetch


class Place(NamedTuple):
    """A server to live on, and which hash slots lie there: on a node of a cluster, some of them."""

    redis: Any
    owns: Callable[[int], bool] = lambda slot: True
    is_node: bool = False

    def token(self, key: Callable[[str], str]) -> str:
        """One that makes a key that lies there."""
        while not self.owns(slot_of(key(token := gates.token()))):
            pass
        return token


def prove(place: Place) -> Iterator[CheckMessage]:
    """What of a key's life Redis refuses, each remedy once.

    Raises FAILURES where it is not reachable.
    """
    found: dict[str | None, CheckMessage] = {}
    for message in _messages(place):
        found.setdefault(message.hint, message)
    if replica := next((m for m in found.values() if m.id == "cache_aside.E006"), None):
        yield replica  # the rest follows from it
        return
    forbidden = [message for message in found.values() if PERMIT.match(message.hint or "")]
    if len(forbidden) > FEW:  # who may do next to nothing
        yield _may_do_nothing(forbidden)
        return
    yield from found.values()


def _may_do_nothing(forbidden: Sequence[CheckMessage]) -> CheckMessage:
    """All that a user lacks, in one."""
    rules = [PERMIT.match(message.hint or "")[1].split() for message in forbidden]  # type: ignore[index]
    missing = " ".join(dict.fromkeys(rule for each in rules for rule in each))
    first = max(forbidden, key=lambda message: message.level)
    return CheckMessage(
        first.level,
        f"The user that the cache has in Redis lacks {len(forbidden)} permissions. {first.msg}",
        hint=f"Permit the keys and commands: ACL SETUSER <user> {missing}. {ALL_RULES}",
        id=first.id,
    )


def misaddressed(redis: Any, error: BaseException | None) -> CheckMessage | None:
    """Who is there is not whom the settings mean, or does not know the login that they have."""
    found = mistake(redis, error)
    return found and Error(f"{found.what}.", hint=found.remedy, id="cache_aside.E015")


def places(redis: Any) -> list[tuple[str, Place]]:
    """The address of each server of a client, and the place that it is."""
    if not isinstance(redis, RedisCluster):
        return [(node.address, Place(node.redis)) for node in nodes(redis)]
    slots = redis.nodes_manager.slots_cache

    def owner(address: str, slot: int) -> bool:
        return any(node.name == address for node in slots.get(slot, ())[:1])

    return [
        (node.address, Place(node.redis, partial(owner, node.address), is_node=True))
        for node in nodes(redis)
    ]


def _messages(place: Place) -> Iterator[CheckMessage]:
    ping = ("PING",)
    try:
        place.redis.execute_command(*ping)
    except ResponseError as error:
        wrong = misaddressed(place.redis, error)
        yield wrong or _refused(Step("see that it is there", ()), ping, error)
        return
    try:
        for message in _greet(place):
            if message.id == "cache_aside.E012":
                yield misaddressed(place.redis, None) or message
                return  # what follows is done by scripts
            yield message
    except (MovedError, ClusterCrossSlotError):
        there = ONE_OF_A_CLUSTER
        yield Error(f"{there.what}.", hint=there.remedy, id="cache_aside.E013")
        return
    except RedisConnectionError as error:
        place.redis.execute_command(*ping)  # it is there; so it was the script
        yield no_scripts(str(error))
        return
    for step in _life(place):
        reply, command = None, ping
        try:
            for command in step.commands:
                reply = place.redis.execute_command(*command)
        except ResponseError as error:
            if is_full(error):
                return  # what follows would find nothing; W006 and W007 tell
            if is_forbidden(error) or not step.only_looks:
                yield _refused(step, command, error)
            continue
        if not step.good(reply):
            yield _message(step, f"its answer was {reply!r:.80}", "Is it a Redis, and the primary?")


def _greet(place: Place) -> Iterator[CheckMessage]:
    """Which run it is, whose the data is, and whether it takes writes."""
    for alias in connections:
        owners.owners.meet(alias)
    asked = [client.greet(new=False)]
    if place.is_node:
        asked = greeting.of_node(place.owns, new=False)
    run, told = greeting.UNKNOWN, []
    for greet in asked:
        try:
            run, *answers = place.redis.execute_command(*greet)
        except (MovedError, ClusterCrossSlotError):
            raise
        except ResponseError as error:
            yield _refused(Step("see that it takes writes", ()), greet, error)
            return
        told += answers
    if run == greeting.UNKNOWN:
        yield _unknown_run(place)
    if any(answer.startswith(b"is ") for answer in told):
        yield Error(f"{owners.REFUSAL}.", hint=owners.REMEDY, id="cache_aside.E009")


def _unknown_run(place: Place) -> CheckMessage:
    info, remedy = ("INFO", "replication"), ""
    try:
        place.redis.execute_command(*info)
    except ResponseError as error:
        remedy = _remedy(info, str(error), only_looks=True)
    cost = greeting.CLUSTER_UNKNOWN if place.is_node else greeting.ONE_UNKNOWN
    return Warning(
        "Redis does not tell which run it is: it forbids INFO. Nor can its version, its "
        "maxmemory and its eviction policy be checked.",
        hint=f"It may have forgotten invalidations since the last connection, so {cost}. {remedy}",
        id="cache_aside.W010",
    )


def _life(place: Place) -> Iterator[Step]:
    """A key's life, and then that of a record of each table."""
    alias = next(iter(connections))

    def gate_of(token: str) -> str:
        return keys.gate(alias, f"canary-{token}")

    def entry_of(token: str) -> str:
        return keys.sql(alias, "canary", (token,), "")

    token, other = place.token(entry_of), gates.token()
    entry, gate = entry_of(token), gate_of(place.token(gate_of))
    in_time = leases.Expiry("PEXPIRE", LIVES)
    # What scripts do is done without them first: of theirs, Redis does not say which was refused.
    for command in (
        ("SET", entry, VALUE, "PX", LIVES),
        ("PTTL", entry),
        ("PEXPIRE", entry, LIVES),
        ("PEXPIREAT", entry, 1),
        ("DEL", entry),
        ("TIME",),
    ):
        yield Step(f"send {command[0]}", [command])
    yield Step("open a gate", [gates.admit(gate)], lambda r: gates.generation(r) is not None)
    yield Step(
        "claim a lease",
        [leases.claim(entry, token), leases.claim(entry, other)],
        lambda reply: leases.holder(reply) == token,
    )
    fill = leases.fill("fill_string", entry, token, in_time, VALUE)
    yield Step("fill", [fill], lambda reply: reply == 1)
    late = leases.fill("fill_string", entry, token, in_time._replace(late_ms=LIVES), VALUE)
    copy = keys.late(entry)
    copied = [leases.claim(entry, token), late, ("GET", copy), ("DEL", copy)]
    yield Step("keep a copy for who may be late", copied)
    for alias in connections:
        if place.owns(slot_of(state := keys.watcher(alias, "state"))):
            yield Step("read the watcher's state", [("GET", state)])
    yield Step("read an entry", [("GET", entry)], lambda reply: reply == VALUE)
    head = ("GETRANGE", entry, 0, 2)
    yield Step("tell whether an entry is the same", [head], lambda reply: reply == VALUE[:3])
    read = ("MGET", gate)
    yield Step("read gates", [read], lambda reply: gates.generation(reply[0]) is not None)
    yield Step("look at the key", [("TYPE", entry)], only_looks=True)
    yield Step("look at its size", [("MEMORY", "USAGE", entry)], only_looks=True)
    yield Step("look at its use", [("OBJECT", "FREQ", entry)], only_looks=True)
    yield Step("look at its age", [("OBJECT", "IDLETIME", entry)], only_looks=True)
    closing = [gates.close(gate, token), ("GET", gate)]
    yield Step("close a gate", closing, gates.is_closed)
    opening = [gates.open(gate, token), ("GET", gate)]
    yield Step("invalidate", opening, lambda reply: reply is None)
    at = leases.Expiry("PEXPIREAT", 1)  # long over
    until = [leases.claim(entry, token), leases.fill("fill_string", entry, token, at, VALUE)]
    yield Step("fill until a time of day", [*until, ("GET", entry)], lambda reply: reply is None)
    given_back = [leases.claim(entry, token), leases.release(entry, token)]
    yield Step("give a lease back", [*given_back, leases.claim(entry, other)])
    yield Step("drop an entry", [("DEL", entry), ("DEL", keys.lease(entry))], lambda r: r == 1)
    for names in keys.RECORDS.values():

        def record_of(token: str, names: keys.RecordKeys = names) -> str:
            return names.key(-int(token, 16))

        number = place.token(record_of)
        yield from _record(record_of(number), number, in_time)
    for kind in COMPUTED:
        made = keys.computed(kind, place.token(partial(keys.computed, kind)))
        yield Step(f"keep a {kind}", [("SET", made, VALUE, "PX", LIVES), ("DEL", made)])
    if conf().HISTORY:

        def minute_of(token: str) -> str:
            return keys.minute(-int(token, 16))

        minute = minute_of(place.token(minute_of))
        counted = [("HINCRBY", minute, "canary", 1), ("EXPIRE", minute, 1)]
        yield Step("count", counted)
        feed = minute_of(place.token(minute_of))
        telling: tuple[Command, ...] = (
            ("LPUSH", feed, "canary"),
            ("LTRIM", feed, 0, 0),
            ("LRANGE", feed, 0, 0),
            ("EXPIRE", feed, 1),
        )
        for told in telling:
            yield Step("tell of invalidations", [told], only_looks=True)
    yield from _of_the_server(place)


def _record(record: str, token: str, in_time: leases.Expiry) -> Iterator[Step]:
    claim = leases.claim(record, token)
    yield Step("send HSET", [("HSET", record, "name", VALUE), ("DEL", record)])
    fill = leases.fill("fill_hash", record, token, in_time, "name", VALUE)
    yield Step("fill a record", [claim, fill], lambda reply: reply == 1)
    yield Step("read a record", [("HGETALL", record)], lambda reply: VALUE in [*_flat(reply)])
    yield Step("tell a record", [("HGET", record, "name")], lambda reply: reply == VALUE)
    closing = [leases.close(record, token), ("HGETALL", record)]
    yield Step("invalidate a record", closing, lambda reply: not reply)
    yield Step("end a write", [leases.open(record, token)])


def _of_the_server(place: Place) -> Iterator[Step]:
    """What is not about one key."""
    yield Step("count the keys", [("DBSIZE",)], only_looks=True)
    yield Step("list the keys", [("SCAN", 0, "COUNT", 1)], only_looks=True)
    if number := place.redis.connection_pool.connection_kwargs.get("db"):
        yield Step("use its database", [("SELECT", number)])
    if conf().NEAR:
        on = [("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", keys.sql("default", "", (), ""))]
        yield Step("follow what changes", [*on, ("CLIENT", "TRACKING", "OFF")])
        if place.is_node:
            yield Step("follow who the nodes are", [topology.QUESTION])


def _flat(reply: Any) -> Iterator[Any]:
    yield from reply.values() if isinstance(reply, dict) else reply


def _refused(step: Step, command: Command, error: ResponseError) -> CheckMessage:
    text = str(error)
    if isinstance(error, ReadOnlyError) or "READONLY" in text:
        return Error(
            "The Redis of CACHE_ASIDE is a replica.",
            hint="It refuses fills and invalidations: use the primary's address.",
            id="cache_aside.E006",
        )
    if TOO_OLD.search(text):
        return Error(
            "Redis is older than 5.",
            hint="It refuses the scripts that close gates, so writes invalidate nothing. Upgrade.",
            id="cache_aside.E005",
        )
    if command[0] == "EVAL" and TAKEN_AWAY.search(text):
        return no_scripts(text)
    return _message(step, text, _remedy(command, text, only_looks=step.only_looks))


def no_scripts(why: str) -> CheckMessage:
    return Error(
        f"Redis takes no scripts (EVAL), and every write to the cache is one: {why}",
        hint="If a proxy stands in between, as twemproxy, use the address of Redis itself; if "
        "rename-command took EVAL away, give it back.",
        id="cache_aside.E012",
    )


def _remedy(command: Command, text: str, *, only_looks: bool) -> str:
    if TAKEN_AWAY.search(text):
        if only_looks:
            return f"It has no {command[0]}, as some managed ones: it cannot be permitted."
        return f"It has no {command[0]}, which the cache needs: was it renamed, or is it a proxy?"
    if found := COMMAND.search(text):
        return f"Permit it: ACL SETUSER <user> +{(found[1] or found[2]).lower()}. {ALL_RULES}"
    if KEYS.search(text):
        return f"Permit the keys: ACL SETUSER <user> {' '.join(_patterns(command))}. {ALL_RULES}"
    if FINAL_WORDS.search(text):
        return "It takes no writes, so it cannot be told what is stale, and is left alone. Mend it."
    return ALL_RULES


def _patterns(command: Command) -> list[str]:
    """Of the keys of a command, of which Redis does not say which it has refused."""
    name, *args = command
    if name in ("MEMORY", "OBJECT"):
        args = args[1:]
    named = args[2 : 2 + args[1]] if name == "EVAL" else args[:1]
    prefix = conf().PREFIX
    kinds = (str(key).removeprefix(prefix).partition(":")[0] for key in named)
    return [f"~{prefix}{kind}:*" for kind in dict.fromkeys(kinds)]


def _message(step: Step, why: str, hint: str) -> CheckMessage:
    if step.only_looks:
        told = f"Redis does not let the admin page and the commands {step.what}: {why}"
        return Warning(told, hint=hint, id="cache_aside.W011")
    told = f"Redis does not let the cache {step.what}: {why}"
    return Error(told, hint=hint, id="cache_aside.E010")
