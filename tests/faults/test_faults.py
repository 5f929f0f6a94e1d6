"""The matrix judges right, reads wrk's words, and runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import NotInstalled, find_binary

from . import report
from .catalogue import FAULTS
from .judge import Verdict, Visit, Write, judge
from .load import Figures, read
from .row import Row, commonest, recovered

pytestmark = pytest.mark.once

WRK = """\
Running 6s test @ http://127.0.0.1:49917/
  Latency Distribution
     50%   58.78ms
     99%    2.02s \n\
  1489 requests in 7.08s, 21.99MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 4
Requests/sec:    210.31
"""


def visited(at: float, numbers: dict[int, int], status: int = 200, hit: bool = True) -> Visit:
    return Visit(at, 0.01, status, hit, numbers)


@pytest.mark.parametrize(
    ("seen", "bound", "verdict"),
    [
        (visited(2.0, {3: 7}), 0, (0, 0)),  # as it was written
        (visited(2.0, {3: 8}), 0, (0, 0)),  # a write that has not yet returned
        (visited(2.0, {3: 6}), 0, (1, 0)),
        (visited(2.0, {3: 6}), 0.5, (1, 0)),  # it was written a second before
        (visited(2.0, {3: 6}), 1.5, (0, 1)),
        (visited(0.5, {3: 6}), 0, (0, 0)),  # asked for before the write returned
        (visited(2.0, {4: 1}), 0, (0, 0)),  # another planet
        (visited(2.0, {3: 6}, status=503), 0, (0, 0)),
    ],
)
def test_a_page_is_stale_where_it_could_have_known(
    seen: Visit, bound: float, verdict: tuple[int, int]
) -> None:
    writes = [Write(0.1, 3, 6), Write(1.0, 3, 7)]
    assert judge([seen], writes, bound) == Verdict(*verdict)


def test_the_first_hit_after_the_end_is_the_recovery() -> None:
    visits = [visited(10.1, {}, hit=False), visited(10.5, {}), visited(10.9, {})]
    assert recovered(visits, 10.0) == pytest.approx(0.5)
    assert recovered(visits[:1], 10.0) is None


def test_wrks_words_are_read() -> None:
    assert read(WRK) == Figures(requests=1489, per_second=210.31, p99=2020.0, failed=10)
    assert read("") == Figures(0, 0.0, 0.0, 0)


def test_a_row_and_its_place_in_the_docs(tmp_path: Path) -> None:
    row = Row(FAULTS[0], 210.3, 2020, 1, Verdict(0, 3), Verdict(2, 0), None, ["one", "two"])
    line = "| none | 210 | 2020 | 1 | 0 (3) | 2 | never | 2 |"
    assert report.line(row) == line
    page = tmp_path / "faults.md"
    page.write_text(f"before {report.BEGIN} older {report.END} after")
    report.put_into(page, [row], 8)
    text = page.read_text()
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert line in text
    assert "older" not in text


def test_what_a_log_says_most_often_is_told_without_its_times() -> None:
    lines = [f"2026-01-02 03:04:0{n},000 WARNING x: it took {n} ms" for n in range(3)]
    assert commonest([*lines, "another"]) == ["3 x WARNING x: it took  ms", "1 x another"]


def test_names_of_rows_are_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def _has_wrk() -> bool:
    try:
        return bool(find_binary("wrk"))
    except NotInstalled:
        return False


@pytest.mark.mysql
@pytest.mark.skipif(not _has_wrk(), reason="wrk is not installed; make faults does it")
def test_a_row_is_run() -> None:
    ours = ("TEST_SERVERS_ARE_UP", "TEST_DATABASE", "DJANGO_SETTINGS_MODULE")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--only", "Redis a read-only", "--seconds", "2"],
        env={name: value for name, value in os.environ.items() if name not in ours},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "| Redis a read-only replica |" in ran.stdout, ran.stderr
