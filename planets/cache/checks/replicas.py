"""Whether the replicas that SAME_AS names can be read, asked where a deployment is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections

from ..conf import conf
from ..reading.applied import has_applied
from ..storage.position import UNKNOWN
from ..writing.primary import position_of

REPLICAS = "replicas"  # the tag of the check that asks them


@register(REPLICAS, deploy=True)
def check_replicas(**kwargs: Any) -> list[CheckMessage]:
    try:
        return list(of_replicas(conf().SAME_AS))
    except ImproperlyConfigured:
        return []  # check_settings tells


def of_replicas(same_as: Mapping[str, str]) -> Iterator[CheckMessage]:
    for replica, primary in same_as.items():
        if {replica, primary} <= set(connections) and (why := _why_not(replica, primary)):
            text, hint = why
            yield Warning(
                f"What could be loaded from the replica {replica!r} is loaded from {primary!r}: "
                f"{text}",
                hint=hint,
                id="cache_aside.W015",
            )


def _why_not(replica: str, primary: str) -> tuple[str, str] | None:
    try:
        connections[primary].ensure_connection()
        connections[replica].ensure_connection()
    except (DatabaseError, InterfaceError) as error:
        return f"one of them is not reachable: {error}", "Are their addresses in DATABASES right?"
    position = position_of(connections[primary])
    if position == UNKNOWN:
        return (
            "that one does not tell its GTIDs.",
            "Only by these can be known what a replica has applied. MariaDB needs log_bin, MySQL "
            "log_bin and gtid_mode=ON; others, and Aurora's readers, have none.",
        )
    if not has_applied(replica, [position]):
        return (
            f"it has not applied within {conf().REPLICA_WAIT:g} s what that one has committed.",
            "Does it replicate, by GTID, all tables, from that primary? See SHOW REPLICA STATUS.",
        )
    return None
