"""The cache's commands, in this process; and as a shell runs them where that is the point."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection

from planets.cache.storage import keys
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.names import entry
from tests.support.servers import name_and_version

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "zoo_reads")]

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = ("show_cache", "warm_cache", "invalidate_cache")


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def ours(**environment: str) -> dict[str, str]:
    """The environment with the tests' settings and database, where Django 6.1's checks connect."""
    name = str(connection.settings_dict["NAME"])
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DB_NAME": name}
    return {**os.environ, **settings, **environment}


def shell(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """manage.py as a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=ours(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_and_tells_the_exit_status(name: str) -> None:
    text = load_command_class("planets.cache", name).create_parser("manage.py", name).format_help()

    assert f"manage.py {name} " in text.partition("examples:")[2]
    assert "Exit status: 0; 1 where" in text


@pytest.mark.parametrize(
    "args", [("show_cache",), ("warm_cache",), ("invalidate_cache", "star:3")], ids=COMMANDS
)
def test_without_redis_each_says_so_in_one_line_and_fails(args: tuple[str, ...]) -> None:
    done = shell(*args, REDIS_URL="redis://127.0.0.1:1/0")

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("CommandError: Redis is away: ")


# --- show_cache


def test_show_cache_tells_the_whole(redis: Any) -> None:
    star(3)
    list(Star.objects.cached().order_by("position"))

    text = run("show_cache")

    assert f"{' '.join(name_and_version(redis))}, up " in text
    assert "star open" in text
    assert "Most recently used" in text
    assert "star:3" in text


def test_show_cache_as_json(redis: Any) -> None:
    star(3)

    found = json.loads(run("show_cache", "--format", "json"))

    assert found["kinds"]["record"]["count"] == 1
    assert found["gates"] == {keys.gate("default", "star"): "open"}
    assert found["hit_ratio"] == {"now": None, "hour": None}
    assert [key["key"] for key in found["largest"]] == ["star:3"]


def test_show_cache_lists_keys(redis: Any) -> None:
    redis.mset({entry(n): "x" for n in range(500)})

    def listed(*args: str) -> int:
        return len(json.loads(run("show_cache", "--format", "json", "--keys", *args)))

    assert listed("sql:*", "--limit", "1000") == 500
    assert listed("*") == 100
    assert "There are more than --limit 7." in run("show_cache", "--keys", "sql:*", "--limit", "7")
    assert run("show_cache", "--keys", entry(7)).splitlines()[1].startswith(entry(7))


def test_show_cache_opens_a_key(redis: Any) -> None:
    star(3)

    text = run("show_cache", "--key", "star:3")
    assert "current. A fetch takes it" in text
    assert "name" in text
    assert "Electra" in text

    found = json.loads(run("show_cache", "--key", "star:3", "--format", "json"))
    assert found["fields"]["name"] == "Electra"


def test_show_cache_opens_a_query(redis: Any) -> None:
    list(Star.objects.cached().order_by("position"))
    (key,) = redis.keys("sql:*")

    text = run("show_cache", "--key", key)

    assert "\nORDER BY " in text
    assert "1 | Mira | giant" in text


def test_show_cache_sends_a_terminal_no_escapes_from_redis(redis: Any) -> None:
    evil = keys.gate("default", "\x1b]0;owned\x07")
    redis.hset(evil, mapping={evil: evil})
    redis.set(entry(1), evil)

    for args in (["--keys", "*"], ["--key", evil], ["--key", entry(1)], []):
        assert "\x1b" not in run("show_cache", *args)


def test_show_cache_fails_for_a_key_that_is_not_there(redis: Any) -> None:
    with pytest.raises(CommandError, match="no key 'star:3'"):
        run("show_cache", "--key", "star:3")


def test_show_cache_watches_line_by_line_where_there_is_no_terminal(redis: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", "show_cache", "--watch", "0.1", "--format", "json"],
        cwd=ROOT,
        env=ours(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""

    assert lines[0]["server"]["name"] == name_and_version(redis)[0]


def test_show_cache_watches_in_a_terminal_and_ends_cleanly(redis: Any) -> None:
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "show_cache", "--watch", "0.1"],
        cwd=ROOT,
        env=ours(TERM="xterm"),
        stdout=child,
        stderr=child,
    ) as process:
        os.close(child)
        seen = b""
        while seen.count(b"Hit ratio") < 2:
            seen += os.read(parent, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while more := os.read(parent, 65536):
                seen += more
        except OSError:  # Linux's end of a terminal
            pass
        assert process.wait(timeout=30) == 0
    os.close(parent)

    assert b"\x1b[?1049h" in seen  # the other screen, and back
    assert seen.rpartition(b"\x1b[?1049l")[1]
    assert b"Traceback" not in seen


# --- warm_cache


def test_warm_cache_fills_and_goes_on_where_it_ended(redis: Any) -> None:
    first = json.loads(run("warm_cache", "--format", "json"))
    assert first["filled"] > 8

    fetches = first["filled"] + first["warm"]
    assert run("warm_cache") == f"0 filled, {fetches} were warm already.\n"


def test_warm_cache_warms_what_it_is_told_to(redis: Any) -> None:
    assert run("warm_cache", "records", "-v", "0") == ""
    assert len(redis.keys("star:*")) == 8
    assert not redis.keys("sql:*")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["comets"], "'comets'"),
        (["--workers", "0"], "is '0', must be a whole number from 1 to 64"),
        (["--workers", "x"], "is 'x', must be a whole number from 1 to 64"),
    ],
)
def test_warm_cache_names_what_it_does_not_understand(args: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("warm_cache", *args)


def test_warm_cache_fails_where_something_was_not_stored(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"MAX_BYTES": 300, "READS": "tests.cache.zoo.reads"}

    with pytest.raises(CommandError, match=r"are not in the cache .*: not stored: "):
        run("warm_cache", "queries")


# --- invalidate_cache


def test_invalidate_cache_of_a_record(redis: Any) -> None:
    star(3), star(4)

    assert run("invalidate_cache", "star:3").splitlines() == [
        "Invalidated star:3",
        f"Invalidated {keys.gate('default', 'star')}",
    ]
    assert not redis.exists("star:3", keys.gate("default", "star"))
    assert redis.exists("star:4")


def test_invalidate_cache_of_tables_as_json(redis: Any) -> None:
    star(3)

    assert json.loads(run("invalidate_cache", "star", "comet", "--format", "json")) == {
        "dry_run": False,
        "keys": [
            keys.gate("default", "comet"),
            keys.records_gate("default", "comet"),
            keys.gate("default", "star"),
            keys.records_gate("default", "star"),
        ],
    }
    assert not redis.exists(keys.records_gate("default", "star"))


def test_invalidate_cache_of_everything(redis: Any) -> None:
    star(3)

    everything = keys.database_gate("default")
    assert run("invalidate_cache", "--everything") == f"Invalidated {everything}\n"
    assert not redis.exists(keys.database_gate("default"))


def test_invalidate_cache_run_dry_changes_nothing_and_needs_no_redis(redis: Any) -> None:
    star(3)
    before = redis.get(keys.gate("default", "star"))

    assert run("invalidate_cache", "star:3", "--dry-run").startswith("Would invalidate star:3")
    assert (redis.exists("star:3"), redis.get(keys.gate("default", "star"))) == (1, before)
    done = shell("invalidate_cache", "star", "--dry-run", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Name tables or records"),
        (["star", "--everything"], "Name tables or records"),
        (["plant"], "'plant' is no table"),
        (["comet:3"], "records are kept of .*star"),
        (["star:electra"], "a whole number"),
    ],
)
def test_invalidate_cache_names_what_it_does_not_understand(args: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("invalidate_cache", *args)


def test_invalidate_cache_can_be_silent(redis: Any) -> None:
    assert run("invalidate_cache", "star", "-v", "0") == ""
