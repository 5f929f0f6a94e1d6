"""measure_cache and tune_cache, on the run's database and Redis."""

from __future__ import annotations

import json
import os
import re
from io import StringIO
from pathlib import Path

import pytest
import redis as redis_py
from django.core.management import CommandError, call_command
from django.test import override_settings

from planets.cache.lab.space import private
from planets.cache.lab.trace import Trace
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("zoo_reads", "zoo_pages"),
]
QUICK = ("--yes", "--rounds", "2", "--seconds", "0.01", "--threads", "1")


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_each_read_in_each_state_asks_what_it_should(sky: None, redis: redis_py.Redis) -> None:
    star(3)
    before = {key: redis.type(key) for key in redis.scan_iter()}
    results = json.loads(run("measure_cache", *QUICK, "--format", "json"))
    asked = {(r["read"], r["state"]): (r["queries"], r["commands"]) for r in results}

    assert asked["detail", "no cache"] == (1, 0)
    assert asked["detail", "full"] == (0, 2)  # HGETALL and MGET of its gates
    assert asked["detail", "empty"][0] == 1
    assert asked["detail", "empty"][1] > 2
    assert asked["list", "full"] == (0, 1)  # MGET of the entry and its gates
    assert asked["join", "Redis away"] == (1, 0)
    # Nothing of its own is left, and nothing of others' is gone.
    assert {key: redis.type(key) for key in redis.scan_iter()} == before
    assert not client.away


def test_whole_pages_can_be_measured_and_reported(sky: None, tmp_path: Path) -> None:
    page = "/stars/3/"
    with override_settings(ALLOWED_HOSTS=["stars.example.org"]):
        text = run("measure_cache", *QUICK, "--url", page, "--report", str(tmp_path / "new"))

    assert page in text
    html = (tmp_path / "new" / "measure_cache.html").read_text()
    assert html.count("<svg") == 1 + 7  # medians, and the throughput of each read
    # Namespaces are names; nothing is fetched from anywhere.
    assert not re.search(r"""(src|href)=["']https?:|url\(|@import|<script src""", html)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--rounds", "1"), "--rounds is 1, must be 2"),
        (("--seconds", "0"), "--seconds is 0"),
        (("--url", "/nix/"), "answers 404, must be a page"),
        (("--url", "nix"), "must be a path of this site"),
        (("--report", "/proc/nix"), "No report can be written"),
    ],
)
def test_what_cannot_be_measured_is_refused(sky: None, args: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("measure_cache", *QUICK, *args)


def test_an_empty_table_has_nothing_to_measure() -> None:
    with pytest.raises(CommandError, match="There are no stars"):
        run("measure_cache", *QUICK)


def test_without_a_yes_nothing_is_measured(sky: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "n")

    with pytest.raises(CommandError, match="Nothing was measured"):
        run("measure_cache")


def test_ctrl_c_leaves_no_key_behind(sky: None, redis: redis_py.Redis) -> None:
    with pytest.raises(KeyboardInterrupt), private() as space:  # noqa: PT012
        star(3)
        assert any(key.startswith(space.prefix) for key in redis.scan_iter())
        raise KeyboardInterrupt

    assert not any("lab-" in key for key in redis.scan_iter())


def test_a_command_whose_keys_are_not_known_is_not_sent() -> None:
    with private(), pytest.raises(ValueError, match="'FLUSHALL' is not known to the lab"):
        client.call(("FLUSHALL",))


def test_tune_cache_recommends_and_reports(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    stamp = "24/Nov/2026:10:00:0"
    log.write_text(
        "".join(
            f'::1 - - [{stamp}{n % 10} +0000] "GET /stars/{n % 3}/ HTTP/1.1" 200 9\n'
            for n in range(60)
        )
        + "rubbish\n"
    )
    text = run(
        "tune_cache", "--log", str(log), "--memory", "8mb", "--ttl", "60",
        "--policies", "volatile-lfu", "--speed", "100", "--report", str(tmp_path),
    )  # fmt: skip

    assert "1 lines skipped" in text
    assert "volatile-lfu, 8 MB, ttl 60 s: 100.0% hits" in text
    assert "maxmemory-policy volatile-lfu" in (tmp_path / "tune_cache.html").read_text()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--memory", "much"), "must be sizes of memory, as"),
        (("--memory", "10kb"), "holds no entry"),
        (("--ttl", "0"), "must be seconds from 1"),
        (("--policies", "lru"), "must be some of volatile-lru"),
        (("--repeats", "0"), "--repeats is 0"),
        (("--reads", "0"), "--reads is 0"),
        (("--log", "/nowhere/access.log"), "--log cannot be read"),
        (("--log", os.devnull), "has no read of a page"),
        (("--report", "/proc/nix"), "No report can be written"),
    ],
)
def test_what_cannot_be_tuned_is_refused(args: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("tune_cache", *args)


def test_a_trace_records_fetches_and_writes_up_to_its_size(
    sky: None, redis: redis_py.Redis, tmp_path: Path
) -> None:
    file = tmp_path / "trace"
    trace = Trace(str(file), most=400, percent=100)
    trace.connect()
    try:
        star(3)
        Star.objects.get(pk=3).save()
        events = [json.loads(line) for line in file.read_text().splitlines()]
        assert [(e["key"], e["write"]) for e in events][:2] == [
            ("star:3", False),
            ("star:3", True),
        ]
        for _ in range(20):
            star(3)
    finally:
        trace.end()

    assert file.stat().st_size <= 400
