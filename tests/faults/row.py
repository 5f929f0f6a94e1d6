"""One row of the table: a site of its own, a fault, and what came of it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from tests.support.servers import MariaDB

from .catalogue import Fault
from .judge import Verdict, Visit, Visitors, Write, judge
from .load import Load
from .site import ROOT, Site, clean_environment, environment
from .stage import Stage

WARM_UP = 2  # seconds of load before the fault
SETTLED = 3.0  # seconds after which nothing old may be left, whatever the fault was


@dataclass(frozen=True)
class Row:
    """Figures of the time of the fault; `failed`, `stale` and `late` of that after it, too."""

    fault: Fault
    per_second: float
    p99: float  # milliseconds
    failed: int
    during: Verdict
    after: Verdict
    recovered: float | None  # seconds from the fault's end to the first hit
    lines: Sequence[str]  # of the log


class Editor:
    """Runs tests.faults.editor, and knows what it wrote."""

    def __init__(self, told: dict[str, str]) -> None:
        self.writes: list[Write] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.editor"],
            cwd=ROOT,
            env={**clean_environment(), **told},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            at, planet, number = line.split()
            self.writes.append(Write(float(at), int(planet), int(number)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.leave()

    def leave(self) -> list[Write]:
        """It finishes the write that it is at, and goes."""
        assert self._process.stdin
        if not self._process.stdin.closed:
            self._process.stdin.close()
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._reader.join()
        return self.writes


def row(fault: Fault, mariadb: MariaDB, seconds: float) -> Row:
    """Let the fault strike a site under load, for so many seconds, and see."""
    with ExitStack() as opened:
        stage = opened.enter_context(Stage(mariadb))
        port = stage.relay.port if fault.by_relay else stage.redis.port
        told = environment(mariadb.socket, f"redis://127.0.0.1:{port}/0", **fault.settings)
        site = opened.enter_context(Site(told))
        editor = opened.enter_context(Editor(told))
        visitors = Visitors(site)
        opened.callback(visitors.leave)
        Load(site.port, WARM_UP).figures()
        said = len(site.log())

        load = opened.enter_context(Load(site.port, seconds + 1))
        time.sleep(0.5)
        began = time.monotonic()
        with fault.strike(stage):
            struck = load.figures()
            load = opened.enter_context(Load(site.port, max(seconds / 2, 2)))
        ended = time.monotonic()
        calmed = load.figures()
        writes = editor.leave()
        time.sleep(SETTLED)
        visits = visitors.leave()
        lines = site.log()[said:]

    during = [seen for seen in visits if began <= seen.at < ended]
    after = [seen for seen in visits if seen.at >= ended]
    return Row(
        fault=fault,
        per_second=struck.per_second,
        p99=struck.p99,
        failed=struck.failed + calmed.failed + sum(seen.status != 200 for seen in during + after),
        during=judge(during, writes, fault.bound),
        after=judge(after, writes, fault.bound),
        recovered=recovered(after, ended),
        lines=lines,
    )


def recovered(after: Sequence[Visit], ended: float) -> float | None:
    """Seconds from the fault's end to the first page that was a hit."""
    return next((seen.at - ended for seen in after if seen.hit), None)


def commonest(lines: Sequence[str], most: int = 4) -> list[str]:
    """What the log said most often, without times and numbers."""
    told = (re.sub(r"^\d{4}-\S+ \S+ |\d+", "", line)[:120] for line in lines)
    return [f"{count} x {text}" for text, count in Counter(told).most_common(most)]
