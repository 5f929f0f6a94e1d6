"""A short hunt on a Redis Cluster finds no stale read; with a protection off it finds some."""

from __future__ import annotations

import pytest

from .test_hunt import hunt

pytestmark = pytest.mark.mysql


def test_a_short_hunt_on_a_cluster_finds_no_stale_read() -> None:
    done = hunt("--cluster", "--seconds", "12", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stale reads  0" in done.stdout


def test_a_hunt_on_a_cluster_finds_the_stale_reads_that_there_are() -> None:
    done = hunt("--cluster", "--seconds", "6", "--seed", "1", "--naive", "generations")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "was published before the fetch began" in done.stdout
