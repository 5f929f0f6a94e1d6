"""`make demo`: the whole site on this machine, from nothing, gone with Ctrl-C.

Its data is in .demo: an SQLite database that stays, a Redis that does not.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import redis

from planets.cache.lab.private_server import NoServer, binary, die_with_parent

from .environment import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo"
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 characters, macOS 103
ADMIN = "admin"
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # kill, Ctrl-C, a closed terminal


class Stop(Exception):
    """Somebody wants the demo to end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", default="8000")
    parser.add_argument("manage", nargs=argparse.REMAINDER, help="a command of manage.py")
    given = parser.parse_args()
    if given.manage:
        return manage(given.manage)
    port = given.port
    for way in STOPS:
        signal.signal(way, _stop)
    with ExitStack() as running:
        try:
            serve(port, running)
        except Stop:
            print("\nThe demo has ended; its data stays in .demo.")


def serve(wish: str, running: ExitStack) -> None:
    HOME.mkdir(mode=0o700, exist_ok=True)
    lock = running.enter_context((HOME / "lock").open("w"))
    try:
        # Held by this process, so no crash can leave it behind.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("A demo is running already: end it with Ctrl-C where it was started.")
    port = _usable_port(wish)
    path = _start_redis(running)
    (HOME / "redis.path").write_text(str(path))
    running.callback((HOME / "redis.path").unlink, missing_ok=True)
    _set_environment(path)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    password = _make_admin()
    address = f"http://127.0.0.1:{port}/"
    print(f"\n  The planets   {address}")
    print(f"  The admin     {address}admin/")
    if password:
        print(f"  Log in as     {ADMIN}, password {password}   (shown this once)")
    else:
        print(f"  Log in as     {ADMIN}; rm -r .demo and a new start make a new password")
    print("  In another terminal: make watch shows the cache live, make shell is a Python shell,")
    print("  and .venv/bin/python -m planetsite.demo COMMAND runs any command of manage.py.")
    print("  Ctrl-C ends it. The debug toolbar is at the right edge of each page.\n", flush=True)
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)


def _set_environment(redis_path: Path) -> None:
    os.environ.update(dict.fromkeys(VARIABLES, ""))  # what is set is for another site
    os.environ.update(
        DJANGO_SETTINGS_MODULE="planetsite.settings",
        DJANGO_RUNSERVER_HIDE_WARNING="true",
        ENV_FILE=os.devnull,
        DEBUG="on",
        EXPLAIN_PAGES="on",
        SQLITE_PATH=str(HOME / "db.sqlite3"),
        REDIS_URL=f"unix://{quote(str(redis_path))}?db=0",
    )


def manage(command: list[str]) -> None:
    """Run a command of manage.py on the demo that is running."""
    try:
        redis_path = Path((HOME / "redis.path").read_text())
    except OSError:
        sys.exit("No demo is running: start one with make demo, and leave it running.")
    _set_environment(redis_path)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *command])


def _stop(signum: int, frame: FrameType | None) -> None:
    for way in STOPS:  # once is enough: a second one must not cut short what ends Redis
        signal.signal(way, signal.SIG_IGN)
    raise Stop


def _usable_port(wish: str) -> int:
    if not wish.isdecimal() or not 1 <= int(wish) <= 65535:
        sys.exit(f"PORT is {wish!r}, must be a whole number from 1 to 65535.")
    port = int(wish)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sys.exit(f"Port {port} is taken: PORT={_free_port(port)} make demo.")
            sys.exit(
                f"Port {port} cannot be used ({error.strerror}): PORT={_free_port(8000)} make demo."
            )
    return port


def _free_port(beside: int) -> int:
    """The next one that is free; any, where a hundred are taken."""
    for port in [*range(beside + 1, min(beside + 101, 65536)), 0]:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return 0


def _start_redis(running: ExitStack) -> Path:
    """A Redis that ends with this process; its socket."""
    folder = HOME
    if len(str(HOME / "redis.sock")) > LONGEST_SOCKET_PATH:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="planets-")))
    path = folder / "redis.sock"
    path.unlink(missing_ok=True)
    log = running.enter_context((HOME / "redis.log").open("w"))
    process = subprocess.Popen(  # noqa: S603  no shell, and no word of it is a visitor's
        [
            _redis_binary(),
            *("--port", "0", "--unixsocket", str(path), "--dir", str(folder)),
            *("--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru"),
        ],
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for us; we end it when nobody asks it any more
        preexec_fn=die_with_parent,
    )
    running.callback(path.unlink, missing_ok=True)
    running.callback(process.wait)
    running.callback(process.terminate)
    while True:
        try:
            redis.Redis(unix_socket_path=str(path)).ping()
        except redis.RedisError:
            if process.poll() is not None:
                sys.exit("Redis did not start; .demo/redis.log says why.")
            time.sleep(0.01)
        else:
            return path


def _redis_binary() -> str:
    try:
        return binary()
    except NoServer:
        sys.exit(
            "No Redis is at hand: apt-get install redis-server (brew install redis), "
            "then make demo."
        )


def _make_admin() -> str:
    """The password of a new admin account, "" where there is one."""
    from django.contrib.auth import get_user_model

    users = get_user_model()
    if users.objects.filter(username=ADMIN).exists():
        return ""
    password = secrets.token_urlsafe(9)
    users.objects.create_superuser(ADMIN, password=password)
    return password


if __name__ == "__main__":
    main()
