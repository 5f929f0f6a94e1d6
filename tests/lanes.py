"""Runs of the suite beside one another, each with its own servers, its own log and its counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from .children import Children, children

ROOT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("TEST_LOGS", ROOT / ".test-logs"))
# What is told of a run that failed. The first ones with the end of their text, for what the first
# has left behind may fail all others; the logs have the rest.
IN_FULL, TEXT = 3, 3_000  # characters
BY_NAME = 40
LAST_LINES = 40  # where pytest itself has failed


class LeftOut(Exception):
    """A run cannot be made here; the message says why."""


class Failure(NamedTuple):
    test: str
    text: str


def own_python() -> str:
    return sys.executable


class Run(NamedTuple):
    """Some tests on some servers."""

    on: str  # the servers, and the Django where it is another
    part: str
    tests: Sequence[str]  # files, folders and options, as pytest takes them
    environment: Mapping[str, str]
    python: Callable[[], str] = own_python  # raises LeftOut
    left_out: str = ""  # why it cannot be made here

    @property
    def title(self) -> str:
        return f"{self.on}: {self.part}"

    @property
    def log(self) -> Path:
        return LOGS / f"{re.sub(r'[^a-z0-9]+', '-', self.title.lower())}.log"


def run_all(
    runs: Sequence[Run], lanes: int, options: Sequence[str], children: Children = children
) -> Counter[str]:
    """The sum of their counts; so many runs at a time. They end with it, however it ends."""
    LOGS.mkdir(exist_ok=True)
    total: Counter[str] = Counter()
    telling = threading.Lock()

    def in_a_lane(run: Run) -> None:
        started = time.monotonic()
        try:
            if run.left_out:
                raise LeftOut(run.left_out)
            python = run.python()
            with telling:
                print(f"... {run.title} ({os.path.relpath(run.log)})", flush=True)
            counts, failures = _pytest(run, python, options, children)
            told = _told(run, counts, failures, time.monotonic() - started)
        except LeftOut as why:
            counts = Counter({"left out": 1})
            told = f"=== {run.title}: not run, {why}"
        except RuntimeError as error:
            counts = Counter(broken=1)
            told = f"=== {run.title} failed: {error}"
        with telling:
            total.update(counts)
            print(told, flush=True)

    with ThreadPoolExecutor(lanes) as pool:
        try:
            list(pool.map(in_a_lane, runs))  # raises what one of them raised
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            children.end()
            raise
    return total


def _pytest(
    run: Run, python: str, options: Sequence[str], children: Children
) -> tuple[Counter[str], list[Failure]]:
    """The counts, with `broken` where pytest itself failed, and what failed."""
    with tempfile.TemporaryDirectory() as folder, run.log.open("wb") as log:
        report = Path(folder) / "report.xml"
        code = children.run(
            [
                *(python, "-m", "pytest", "-q", f"--junitxml={report}"),
                *("-p", "no:cacheprovider"),  # its folder is one for all runs
                *run.tests,
                *options,
            ],
            cwd=ROOT,
            env={**os.environ, **run.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ).returncode
        if not report.exists():
            return Counter(broken=1), []
        (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    tests, failed, errors, skipped = (
        int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
    )
    counts = Counter(
        passed=tests - failed - errors - skipped,
        failed=failed + errors,
        skipped=skipped,
        broken=int(code not in (0, 1)),
    )
    return counts, list(_failures(suite))


def _failures(suite: ElementTree.Element) -> Iterator[Failure]:
    for case in suite.iter("testcase"):
        for kind in ("failure", "error"):
            for element in case.iter(kind):
                yield Failure(f"{case.get('classname')}::{case.get('name')}", element.text or "")


def _told(run: Run, counts: Counter[str], failures: Sequence[Failure], seconds: float) -> str:
    """A line of counts, and before it what failed."""
    line = f"=== {run.title}: {summary(counts)}, in {seconds:.0f} s"
    if not counts["failed"] and not counts["broken"]:
        return line
    told = [f"\n>>> {run.title} failed:"]
    if counts["broken"]:
        told += _last_lines(run.log)
    for failure in failures[:IN_FULL]:
        told += [f"--- {failure.test}", failure.text[-TEXT:].strip("\n"), ""]
    told += [f"--- {failure.test}" for failure in failures[IN_FULL:BY_NAME]]
    if further := failures[BY_NAME:]:
        told.append(f"--- and {len(further)} more, in {run.log}")
    return "\n".join([*told, line])


def _last_lines(log: Path) -> list[str]:
    """What pytest said before it ended; where Python itself has crashed, what that says."""
    lines = log.read_text(errors="replace").splitlines()
    for at, line in enumerate(lines):
        if "Fatal Python error" in line:
            return lines[at : at + LAST_LINES]
    return lines[-LAST_LINES:]


def summary(counts: Counter[str]) -> str:
    failed = counts["failed"] + counts["broken"]
    told = f"{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped"
    return f"{told}, {counts['left out']} runs not run" if counts["left out"] else told
