"""What is advised of a site with eight things wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from planets.cache.instruments.account.listener import Listener
from planets.cache.lab import advisor, slow_log
from planets.cache.lab.advice import Advice
from planets.cache.lab.evidence import HIT, OVERHEAD, Evidence
from planets.cache.storage.client import client
from tests.cache.lab import site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

USUAL_LOAD = 0.5  # ms
NUMBER = r"[\d,.]+"
SECONDS = rf"{NUMBER} m?s"
AT = r" at tests/cache/lab/site\.py:\d+"
PLANTED = {
    "cache": rf"cache this: {NUMBER} calls an hour, 12 parameter sets, 88 % would hit, "
    rf"saves {SECONDS} of database an hour: `\.cached\(\)`{AT}",
    "stop": rf"stop caching that: \d+ % hits, (break-even \d+ %|a hit is no faster than a load), "
    rf"costs {SECONDS} an hour{AT}",
    "ttl": rf"raise its TTL: \d+ % of its misses are expiries, and ttl={NUMBER} instead of "
    rf"{NUMBER} would make \d+ % hits{AT}",
    "late": rf"it is written too often: max_stale=5 would make 9\d % hits{AT}",
    "hot": rf'its column `position` is hot: HOT = {{"star": \["position"\]}} would make 9\d % '
    rf"hits{AT}",
    "repeated": rf"repeated 8 times in one page: prefetch it{AT}",
    "large": rf"too large: slice it; 5,000 rows, more than 20,000 bytes, and no entry may have "
    rf"more than 20,000 \(MAX_BYTES\){AT}",
    "index": r"an index would do more: it reads 20,00\d rows for \d",
}


@pytest.fixture
def slow_log_file(tmp_path: Path) -> Iterator[Path]:
    """Where the server writes all that it does."""
    path = tmp_path / "slow.log"
    tmp_path.chmod(0o777)
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL slow_query_log_file = %s", [str(path)])
        cursor.execute("SET GLOBAL slow_query_log = 1")
        cursor.execute("SET SESSION long_query_time = 0")
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION long_query_time = 0")
    yield path
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL slow_query_log = 0")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis and the database take as long as on a machine that is not busy: as it pays there."""
    monkeypatch.setattr(Evidence, "hit", HIT)
    monkeypatch.setattr(Evidence, "overhead", OVERHEAD)
    measured = Evidence.load.func
    monkeypatch.setattr(Evidence, "load", property(lambda e: min(measured(e), USUAL_LOAD)))
    monkeypatch.setattr(client.pace, "round_trip", lambda seconds: None)


def advised(listener: Listener) -> list[Advice]:
    assert listener.tell()
    return advisor.report().advice


def test_each_of_the_planted_cases_is_found(listener: Listener, settings: Any, quiet: None) -> None:
    settings.CACHE_ASIDE = {"MAX_BYTES": 20_000, "JITTER": 0}
    site.fill()
    site.visit()

    found: dict[str, Advice] = {advice.kind: advice for advice in advised(listener)}

    for kind in PLANTED.keys() - {"index"}:
        assert re.fullmatch(PLANTED[kind], found[kind].sentence), kind
    assert found.keys() == PLANTED.keys() - {"index"}


@pytest.mark.mysql
def test_the_slow_log_tells_what_an_index_would_do(
    slow_log_file: Path, listener: Listener, quiet: None
) -> None:
    site.fill()
    site.Traffic(site.by_radius, range(1_000), 40, skew=0).run()
    site.Traffic(site.search, range(4), 40).run()

    with slow_log_file.open() as lines:
        log = slow_log.read(lines)

    found = {advice.kind: advice for advice in advisor.of(log.ledger, log.scans).advice}
    assert re.fullmatch(PLANTED["index"], found["index"].sentence)
    assert "4 parameter sets, 90 % would hit" in found["cache"].sentence
    assert log.skipped == 0
