"""TCP ports of the loopback address for servers of tests, of which several runs start many at once.

Between a look whether a port is free and the server that takes it, another run may take it. So each
process has blocks of ports to itself, by a lock on a file that ends with the process, and hands out
each port once before it begins again.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

# Of those that the system gives to no outgoing connection: one of many might take it before the
# server does.
PORTS = range(15_000, 32_000)
BLOCK = 100
FOLDER = Path(tempfile.gettempdir(), f"planets-ports-{os.getuid()}")

_lock: threading.Lock
_ports: Iterator[int]
_held: list[IO[str]] = []  # until this process ends


def free_port() -> int:
    """A port that nobody listens on, and that no other process of tests will be given."""
    with _lock:
        for port in islice(_ports, len(PORTS)):
            with socket.socket() as probe, suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError(f"no port of {PORTS} is free, or other runs hold the locks in {FOLDER}")


def _own_ports() -> Iterator[int]:
    FOLDER.mkdir(exist_ok=True)
    blocks = [PORTS[start : start + BLOCK] for start in range(0, len(PORTS), BLOCK)]
    own = []
    for block in random.sample(blocks, len(blocks)):
        if _is_ours(block):
            own.append(block)
            yield from block
    while own:
        for block in own:
            yield from block


def _is_ours(block: range) -> bool:
    """Take a block, if no other process has it."""
    file = (FOLDER / str(block[0])).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _held.append(file)
    return True


def _begin() -> None:
    global _lock, _ports
    _lock, _ports = threading.Lock(), _own_ports()


_begin()
os.register_at_fork(after_in_child=_begin)  # the parent's are the parent's
