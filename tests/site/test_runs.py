"""What `make test` counts of its runs, and where the newer servers come from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import lanes
from tests.lanes import LeftOut, Run, run_all, summary

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("tests/bench/test_report.py",)
ON_SQLITE = {"TEST_DATABASE": "sqlite"}


@pytest.fixture(autouse=True)
def _beside_this_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, "LOGS", tmp_path / "logs")
    monkeypatch.delenv("TEST_SERVERS_ARE_UP", raising=False)  # they start their own


def test_runs_beside_one_another_are_summed(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [Run("SQLite", part, QUICK, ON_SQLITE) for part in ("one", "another")]
    counts = run_all(runs, 2, [])
    out = capsys.readouterr().out
    assert counts["passed"] > 2
    assert counts["passed"] % 2 == 0
    half = f"{counts['passed'] // 2} passed, 0 failed, 0 skipped, in "
    assert f"=== SQLite: one: {half}" in out
    assert f"=== SQLite: another: {half}" in out


def no_python() -> str:
    raise LeftOut("as no Python 3.12 is at hand")


def test_what_is_left_out_is_told_and_never_passes(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        Run("MySQL", "all", (), {}, left_out="as this is no Debian"),
        Run("Django", "all", (), {}, no_python),
    ]
    counts = run_all(runs, 1, [])
    out = capsys.readouterr().out
    assert "=== MySQL: all: not run, as this is no Debian\n" in out
    assert "=== Django: all: not run, as no Python 3.12 is at hand\n" in out
    assert summary(counts) == "0 passed, 0 failed, 0 skipped, 2 runs not run"


def test_a_run_that_never_began_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own status is 1 where it ends by an exception, as pytest's where a test failed."""
    counts = run_all([Run("MySQL", "all", (), {}, lambda: "false")], 1, [])
    assert summary(counts) == "0 passed, 1 failed, 0 skipped"
    assert ">>> MySQL: all failed:" in capsys.readouterr().out


def test_what_failed_is_printed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("SQLite", "all", ("tests/none_such.py",), ON_SQLITE)
    assert summary(run_all([run], 1, [])) == "0 passed, 1 failed, 0 skipped"
    assert "tests/none_such.py" in capsys.readouterr().out


def run_of(tests: str, folder: Path) -> Run:
    """A run of the tests of this text."""
    file = folder / "test_given.py"
    file.write_text(tests)
    options = ("-c", "pyproject.toml", "--rootdir", str(folder))
    return Run("SQLite", "all", (str(file), *options), ON_SQLITE)


CRASHES = """
import ctypes

def crash(depth):
    return crash(depth - 1) if depth else ctypes.string_at(0)

def test_it_crashes():
    crash(80)  # deeper than what is told of a run
"""


def test_of_a_python_that_crashed_its_own_word_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = run_of(CRASHES, tmp_path)
    assert summary(run_all([run], 1, [])) == "0 passed, 1 failed, 0 skipped"
    assert "Fatal Python error: Segmentation fault" in capsys.readouterr().out


FIFTY = """
import pytest

@pytest.mark.parametrize("number", range(50))
def test_one_after_another(number):
    assert number < 0, f"{number} is left behind"
"""


def test_of_many_that_failed_the_first_are_told_in_full(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = run_of(FIFTY, tmp_path)
    assert summary(run_all([run], 1, [])) == "0 passed, 50 failed, 0 skipped"
    out = capsys.readouterr().out
    told = [line for line in out.splitlines() if line.startswith("--- ")]
    assert [name.partition("::")[2] for name in told[:-1]] == [
        f"test_one_after_another[{number}]" for number in range(lanes.BY_NAME)
    ]
    assert told[-1] == f"--- and 10 more, in {run.log}"
    assert [number for number in range(50) if f"{number} is left behind" in out] == [0, 1, 2]


def test_servers_that_cannot_be_fetched_are_told_in_a_line(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:1")
    done = subprocess.run(
        ["sh", ROOT / "tests" / "servers.sh", tmp_path / "servers"],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    reasons = "no Debian|needs root|is not installed|could not fetch"
    assert any(reason in done.stderr.splitlines()[-1] for reason in reasons.split("|"))
    assert list(tmp_path.glob("servers*")) == []
