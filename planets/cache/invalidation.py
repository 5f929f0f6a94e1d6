"""Invalidating by hand, and on the signals of a save."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models

from .conf import conf
from .events import COMPUTED
from .reading import memory
from .storage import gates, keys
from .storage.client import client
from .writing.hooks import transaction_of
from .writing.stale import Touched, of_tables


def invalidate(
    *targets: models.Model | type[models.Model] | str,
    everything: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> Touched:
    """Make entries unreachable: of an instance, of a model's table, of a table by its name.

    `everything=True` is every entry of the database. Inside a transaction it holds from now, and
    what is read meanwhile is not kept. Returns the gates and records that it reached.
    Raises TypeError where there is nothing to invalidate.
    """
    touched = reach(*targets, everything=everything, using=using)
    _act(touched, using)
    return touched


def reach(
    *targets: models.Model | type[models.Model] | str,
    everything: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> Touched:
    """What `invalidate` of the same would make unreachable. Raises TypeError for nothing."""
    if not targets and not everything:
        raise TypeError("invalidate() takes an instance, a model, a table name or everything=True")
    touched = Touched(frozenset(keys.database_gates(using))) if everything else Touched()
    for target in targets:
        touched |= _touched(target, using)
    return touched


def drop(*entries: str) -> list[str]:
    """Delete entries and their late copies: records, or `<kind>:<digest>`; returns those that were
    there. One round trip.

    Who is filling one just now cannot store. Raises ValueError for any other key, and then deletes
    nothing: to delete a gate is not how a table is invalidated. Raises Unavailable.
    """
    for entry in entries:
        _check_entry(entry)
    leases = [("DEL", keys.lease(entry)) for entry in entries]
    pairs = [("DEL", name) for entry in entries for name in (entry, keys.late(entry))]
    dropped = client.call(*leases, *pairs)[len(leases) :]
    return [e for e, *was in zip(entries, dropped[::2], dropped[1::2], strict=True) if any(was)]


def expire(entry: str) -> bool:
    """End the TTL of one entry now, as time would; returns whether it was there.

    Raises ValueError for a key that is no entry, and Unavailable.
    """
    _check_entry(entry)
    (there,) = client.call(("PEXPIRE", entry, 0))
    memory.ended(entry)
    return bool(there)


def _check_entry(key: str) -> None:
    if keys.kind(key) not in ("sql", *COMPUTED) and not keys.is_record(key):
        raise ValueError(
            f"{key!r} is not an entry: name a record, or as sql:<digest> or page:<digest>"
        )


def saved(
    instance: models.Model,
    using: str,
    *,
    created: bool = False,
    update_fields: Iterable[str] | None = None,
) -> None:
    """What signals call: `invalidate` for what the statement of the save has not done already.

    With `update_fields`, as the signal has them, a save of hot columns alone stays one of those.
    """
    touched = _touched(instance, using)
    if update_fields and _are_hot(instance, update_fields):
        touched -= of_tables(using, [instance._meta.db_table.lower()])
    if created:
        # No record of it can exist but of its absence, which goes with its table.
        touched = Touched(touched.gates, frozenset(), touched.tables)
    if transaction := transaction_of(connections[using]):
        touched = touched - transaction.pending - transaction.settled
    if touched and transaction and transaction.in_progress:
        transaction.touch(touched)
    elif touched:
        touched.open(gates.token())


def _are_hot(instance: models.Model, fields: Iterable[str]) -> bool:
    """Whether a save of these fields sets hot columns alone; its statement has then reached them,
    or all of the table where hot columns cannot be believed.
    """
    hot, meta = conf().hot(instance._meta.db_table.lower()), instance._meta
    found: list[Any] = [meta.get_field(name) for name in fields]
    return all(str(field.column).lower() in hot for field in found)


def _act(touched: Touched, using: str) -> None:
    transaction = transaction_of(connections[using])
    if transaction and transaction.in_progress:
        transaction.touch(touched)
        transaction.close_gates()
    else:
        touched.open(gates.token())


def _touched(target: models.Model | type[models.Model] | str, using: str) -> Touched:
    if isinstance(target, str):
        return of_tables(using, [target.lower()]).in_bulk(using)
    tables = [target._meta.db_table, *(p._meta.db_table for p in target._meta.get_parent_list())]
    names = [table.lower() for table in tables]
    if isinstance(target, type):
        return of_tables(using, names).in_bulk(using)
    records = [keys.RECORDS[name].key(target.pk) for name in names if name in keys.RECORDS]
    return of_tables(using, names) | Touched(records=frozenset(records))
