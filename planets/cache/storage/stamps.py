"""Stamps: what lies on a node of a Redis Cluster tells in which run of that node it was stored.

A node that was started again from a file, or took its primary's place, may have forgotten the last
invalidations. On one Redis the gate of everything carries the run, and goes out of reach in another
one. On a cluster each node has a run of its own, and the gates of one entry lie on several. So
there every gate carries the run of its node, and every record, which is invalidated by being
deleted. The wire knows which node a reply is of and in which run that is, and takes what was
stored in another run for missing. Nothing else of what was lost can be believed: the rows of a
query stand behind gates, and so does all that is computed.

So a failover of one node costs a miss for what that node held, and for nothing else; and so does a
slot that moves to another node, where its keys are of a run that this one never had.
"""

from __future__ import annotations

from .wire import Command, Reply

# The field of a record that tells whose it is; "@" and the run stand at its end.
MARKER = b"_aside"
UNKNOWN = b""  # the run of a node that does not tell


def believed(command: Command, reply: Reply, run: bytes) -> Reply:
    """A reply of a node, or that of a missing key where what lies there is of another run.

    `command` is what was asked; an MGET, which asks for gates, is told each reply by itself. An
    entry that it asks for beside them is no gate, and is as good as they are.
    """
    name = command[0]
    if run == UNKNOWN or not reply or isinstance(reply, Exception):
        return reply
    if name == "MGET":
        closed = not isinstance(reply, bytes) or reply[:2] != b"o:"
        return reply if closed or reply.partition(b"@")[2].startswith(run + b"@") else None
    if name == "HGETALL":
        return reply if _ends(_marker(reply), run) else {}
    if name == "HGET" and command[2] == MARKER:
        return reply if _ends(reply, run) else None
    return reply


def _marker(reply: Reply) -> Reply:
    if isinstance(reply, list):  # RESP2 has no maps
        return next((v for k, v in zip(reply[::2], reply[1::2], strict=True) if k == MARKER), None)
    return reply.get(MARKER) if isinstance(reply, dict) else None


def _ends(marker: Reply, run: bytes) -> bool:
    """What is not ours, as a record that another program wrote, is told by others."""
    return not isinstance(marker, bytes) or marker.endswith(b"@" + run)
