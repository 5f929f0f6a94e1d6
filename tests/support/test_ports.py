"""No two processes of tests that run at a time are given one port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
# It lives, and so has its ports, until its stdin is closed.
TAKER = """
from tests.support.ports import free_port
print(*(free_port() for _ in range(300)), flush=True)
input()
"""


def test_each_process_has_its_own() -> None:
    command = [sys.executable, "-c", TAKER]
    takers = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    ports: list[str] = []
    for taker in takers:
        assert taker.stdout
        ports += taker.stdout.readline().split()
    for taker in takers:
        taker.communicate("\n")
    assert len(set(ports)) == len(ports) == 4 * 300
