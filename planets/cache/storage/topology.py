"""What the nodes of a Redis Cluster say of it: who are primaries, and which slots each has."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

QUESTION = ("CLUSTER", "NODES")


class Moved(Exception):
    """The primaries are others than those that are followed."""


class View(NamedTuple):
    """A cluster as one of its nodes sees it. Nodes by their ids, which no restart changes."""

    me: str
    primaries: frozenset[str]  # that have slots
    peers: frozenset[str]  # to or from which a slot of this node is on its way
    all: frozenset[tuple[str, ...]]  # each node: id, whether primary, whether failed, slots

    @classmethod
    def of(cls, answer: bytes) -> View:
        """From the answer to QUESTION."""
        me, primaries, peers, nodes = "", set(), set(), set()
        for line in answer.decode("ascii", "replace").splitlines():
            name, _, flagged, _, _, _, _, _, *slots = line.split(" ")
            flags = flagged.split(",")
            if "myself" in flags:
                me = name
            # A slot on its way is [<slot>->-<id>] with the node that it leaves, -<- with the other.
            peers |= {slot[1:-1].split("-")[-1] for slot in slots if slot.startswith("[")}
            if "master" in flags and slots:
                primaries.add(name)
            known = [flag for flag in ("master", "fail") if flag in flags]
            nodes.add((name, *known, *slots))
        return cls(me, frozenset(primaries), frozenset(peers), frozenset(nodes))


def agree(views: Collection[View]) -> None:
    """Each of these nodes holds these nodes for all the primaries that there are. Raises Moved."""
    followed = {view.me for view in views}
    for view in views:
        if view.primaries != followed or not view.peers <= followed:
            raise Moved("the primaries of the cluster have changed")
