"""A short hunt for stale reads finds none; with a protection off it finds what is then there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.mysql

ROOT = Path(__file__).resolve().parents[2]


def hunt(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.hunt", *options], cwd=ROOT, capture_output=True, text=True
    )


def finds_nothing(*options: str) -> None:
    done = hunt(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stale reads  0" in done.stdout


def finds_stale_reads(*options: str) -> None:
    done = hunt(*options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "was published before the fetch began" in done.stdout


@pytest.mark.parametrize(
    "options", [["--served"], ["--near", "--hot"]], ids=["usual", "near and hot"]
)
def test_a_short_hunt_finds_no_stale_read(options: list[str]) -> None:
    finds_nothing("--seconds", "15", "--seed", "1", *options)


def test_a_hunt_finds_the_stale_reads_that_there_are() -> None:
    finds_stale_reads("--seconds", "5", "--seed", "1", "--naive", "generations")


def test_a_short_hunt_with_a_writer_that_is_not_django() -> None:
    finds_nothing("--seconds", "12", "--seed", "1", "--watched")


def test_a_short_hunt_on_a_cluster_finds_no_stale_read() -> None:
    finds_nothing("--cluster", "--seconds", "12", "--seed", "1")


def test_a_hunt_on_a_cluster_finds_the_stale_reads_that_there_are() -> None:
    finds_stale_reads("--cluster", "--seconds", "6", "--seed", "1", "--naive", "generations")


def test_a_short_hunt_on_a_cluster_and_a_replica_of_the_database_finds_no_stale_read() -> None:
    finds_nothing("--cluster", "--replica", "--seconds", "12", "--seed", "1")


def test_a_hunt_with_a_replica_finds_the_stale_reads_that_there_are() -> None:
    finds_stale_reads("--replica", "--seconds", "8", "--seed", "1", "--naive", "waiting")
