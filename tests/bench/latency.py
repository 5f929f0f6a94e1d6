"""A TCP proxy that adds half a millisecond each way, as between two machines of one cloud.

    python -m tests.bench.latency PORT_OF_THE_SERVER
prints its own port and runs until its standard input closes.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

EACH_WAY = 0.0005  # seconds


def pump(source: socket.socket, target: socket.socket) -> None:
    """Each chunk waits on its own; requests and replies of a database come one at a time."""
    try:
        while data := source.recv(1 << 20):
            time.sleep(EACH_WAY)
            target.sendall(data)
    except OSError:
        pass  # the other direction closed both
    finally:
        for end in (source, target):
            end.close()


def serve(listener: socket.socket, port: int) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for ends in ((client, server), (server, client)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(listener, int(sys.argv[1])), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
