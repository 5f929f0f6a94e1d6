"""The file that a trace is written to: ours, and none that somebody has put in its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from planets.cache.lab import trace
from planets.cache.lab.trace import Trace, open_own

pytestmark = pytest.mark.once


def link(path: Path) -> None:
    (path.parent / "ours").write_text("precious")
    path.symlink_to(path.parent / "ours")


def hard_link(path: Path) -> None:
    (path.parent / "ours").write_text("precious")
    path.hardlink_to(path.parent / "ours")


def read_fifo(path: Path) -> None:
    os.mkfifo(path)
    os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # closed when the tests end


def of_somebody_else(path: Path) -> None:
    path.touch()
    if os.geteuid():
        pytest.skip("only root can make a file of somebody else's")
    os.chown(path, 12345, -1)


@pytest.mark.parametrize(
    "put",
    [
        link,
        lambda path: path.symlink_to(path.parent / "nothing"),
        hard_link,
        os.mkfifo,
        read_fifo,
        Path.mkdir,
        of_somebody_else,
    ],
    ids=["link", "dangling link", "hard link", "FIFO", "FIFO with a reader", "folder", "another's"],
)
def test_what_stands_in_its_place_is_not_opened(
    tmp_path: Path, settings: Any, put: Callable[[Path], None]
) -> None:
    path = tmp_path / "trace"
    put(path)
    with pytest.raises(OSError, match="trace"):
        open_own(str(path))
    settings.CACHE_ASIDE = {"TRACE": str(path)}
    with pytest.raises(ImproperlyConfigured, match=r"CACHE_ASIDE\['TRACE'\] cannot be written"):
        trace.start()
    assert not (tmp_path / "nothing").exists()
    ours = tmp_path / "ours"
    assert not ours.exists() or ours.read_text() == "precious"


def test_a_device_is_no_file() -> None:
    with pytest.raises(PermissionError, match="must be a regular file"):
        open_own(os.devnull)


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    for _ in range(2):
        trace_ = Trace(str(path), 10_000, 100)
        trace_.write("sql:1", write=False, size=1)
        os.close(trace_.file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 2
