"""Private, throwaway MariaDB, SQLite and Redis, for tests and benchmarks.

Each has a directory of its own and listens on a Unix socket (on TCP loopback too where asked). A
watchdog reads a pipe that this process holds open: when this process is gone, however it ended, the
pipe closes, and the watchdog kills the server and removes the directory.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from .ports import free_port

# It hears the pid of the running server, or an empty line for none. Another rm is for the file that
# the server was writing while the first one ran.
WATCHDOG = """
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then kill -9 "$pid"; fi 2>/dev/null
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"""
STARTS_WITHIN = 60.0  # seconds; a loaded machine is slow, and a server that fails ends at once


class NotInstalled(pytest.UsageError):
    """No binary of a server is on PATH. pytest says so in one line and ends."""


def find_binary(*names: str) -> str:
    """The first of `names` on PATH or in sbin, where Debian keeps servers. Raises NotInstalled."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise NotInstalled(f"none of {', '.join(names)} is installed")


def database_program() -> str:
    """The mysqld in TEST_MYSQL_TREE, else the MariaDB or MySQL of the system."""
    if tree := os.environ.get("TEST_MYSQL_TREE"):
        return f"{tree}/mysqld"
    return find_binary("mariadbd", "mysqld")


def redis_program() -> str:
    """What TEST_REDIS names, else the Redis or Valkey of the system."""
    return os.environ.get("TEST_REDIS") or find_binary("redis-server", "valkey-server")


def name_and_version(client: redis.Redis) -> tuple[str, str]:
    """As "Redis", "7.0.15"; a Valkey says that it is a Redis too."""
    info = client.info("server")
    if valkey := info.get("valkey_version"):
        return "Valkey", valkey
    return "Redis", info["redis_version"]


class Server:
    """A server process in a temporary directory."""

    def __init__(self) -> None:
        # Short: the path of a Unix socket holds 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix="planets-", dir="/tmp"))
        self.process: subprocess.Popen[bytes] | None = None
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG, "watchdog", str(self.directory)],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the test run
        )
        assert self._watchdog.stdin
        # A forked child that outlives this process would else keep the pipe open.
        os.register_at_fork(after_in_child=self._watchdog.stdin.close)

    def spawn(self, command: list[str], ready: Callable[[], bool]) -> None:
        log = self.directory / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,
            )
        self._tell_watchdog(str(self.process.pid))
        give_up = time.monotonic() + STARTS_WITHIN
        while not ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                said = log.read_text()[-2000:]
                self.remove()
                raise RuntimeError(f"{command[0]} did not start:\n{said}")
            time.sleep(0.01)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the process and wait for it; the directory stays, so that it can start again."""
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait()
            self.process = None
            self._tell_watchdog("")

    def pause(self) -> None:
        """It keeps its connections and answers nothing, from the return of this on."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # a thread of it may be at work yet

    def resume(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it for good, with its directory. May be said twice."""
        self.stop(signal.SIGKILL)
        assert self._watchdog.stdin
        self._watchdog.stdin.close()
        self._watchdog.wait()

    def _tell_watchdog(self, pid: str) -> None:
        assert self._watchdog.stdin
        self._watchdog.stdin.write(f"{pid}\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()


class MariaDB(Server):
    """MariaDB or MySQL, with a superuser `root` without password on its socket.

    With `tcp` it listens on `port` of the loopback address too; `options` are the server's own.
    """

    user = "root"

    def __init__(self, *options: str, tcp: bool = False) -> None:
        super().__init__()
        self.port = free_port() if tcp else 0
        self.socket = str(self.directory / "db.sock")
        common = [
            f"--datadir={self.directory / 'data'}",
            f"--tmpdir={self.directory}",  # a server that starts removes what others have in it
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]
        server, own = database_program(), []
        if Path(server).name == "mysqld":
            own = ["--skip-log-bin", "--loose-mysqlx=OFF", "--secure-file-priv="]
            own += ["--performance-schema=OFF"]  # as MariaDB has it
            prepare = [server, "--no-defaults", "--initialize-insecure", *common]
        else:
            prepare = [
                find_binary("mariadb-install-db"),
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *common,
            ]
        done = subprocess.run(prepare, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{prepare[0]} failed:\n{done.stdout}{done.stderr}")
        self._command = [
            server,
            "--no-defaults",
            *common,
            f"--socket={self.socket}",
            f"--pid-file={self.directory / 'db.pid'}",
            *(
                ("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve")
                if tcp
                else ("--skip-networking",)
            ),
            "--innodb-flush-log-at-trx-commit=0",
            "--character-set-server=utf8mb4",
            *own,
            *options,
        ]
        self.start()

    def start(self) -> None:
        self.spawn(self._command, self.accepts)

    def accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0


class SQLite(Server):
    """No server, only a file in such a directory."""

    @property
    def path(self) -> str:
        return str(self.directory / "db.sqlite3")


class Redis(Server):
    """Redis or Valkey. `options` are configuration directives, as maxmemory="1mb"."""

    def __init__(self, *, tcp: bool = False, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.socket = str(self.directory / "redis.sock")
        self.port = free_port() if tcp else 0
        self.start()

    @property
    def url(self) -> str:
        password = self.options.get("requirepass")
        if self.port:
            return f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        return f"unix://{f':{password}@' if password else ''}{self.socket}?db=0"

    def client(self, **options: Any) -> redis.Redis:
        """A plain client, for what a test sees and does behind the layer's back."""
        return redis.Redis(
            unix_socket_path=self.socket, password=self.options.get("requirepass"), **options
        )

    def start(self) -> None:
        settings = {"save": "", "appendonly": "no", "bind": "127.0.0.1", **self.options}
        if "tls-port" in settings:  # whatever it says: all of TCP is over TLS
            settings |= {"port": 0, "tls-port": self.port}
        self.spawn(
            [
                redis_program(),
                *("--port", str(self.port), "--unixsocket", self.socket),
                *("--dir", str(self.directory)),
                *(part for name, value in settings.items() for part in (f"--{name}", str(value))),
            ],
            self.answers,
        )

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.BusyLoadingError:
            return False
        except redis.ConnectionError:
            return False

    def restart(self, how: int = signal.SIGTERM) -> None:
        self.stop(how)
        self.start()


def accepts(port: int) -> bool:
    """Whether somebody listens on this port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
