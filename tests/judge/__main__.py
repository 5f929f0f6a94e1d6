"""Runs Django's own test suite with every queryset cached, and each read compared.

    python -m tests.judge                 all labels that use querysets
    python -m tests.judge queries lookup  some of them

Status 1 where a value was wrong, or where a test failed that passes without the cache and is not
known to fail here (known.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..support import servers
from . import known, suite
from .labels import LABELS, chunks

ROOT = Path(__file__).resolve().parents[2]
PARTS = 12  # a part that crashes takes no other with it
LONGEST = 900  # seconds that a part may take


@dataclass
class Verdict:
    """What all parts told."""

    totals: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    bypasses: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, report: dict[str, Any]) -> None:
        self.totals.update(tests=report["tests"], skipped=report["skipped"])
        self.counts.update(report["counts"])
        self.bypasses.update(report["bypasses"])
        self.differences += report["differences"]
        self.failures |= report["failures"]


@dataclass(frozen=True)
class Court:
    """The servers and the suite."""

    database: servers.MariaDB
    redis: servers.Redis
    tests: Path
    folder: Path

    def hear(self, number: int, mode: str, labels: list[str]) -> dict[str, Any] | str:
        """The report of a process that runs them; its last words where there is none."""
        report, log = self.folder / f"{mode}-{number}.json", self.folder / f"{mode}-{number}.log"
        environment = {
            **os.environ,
            "JUDGE_DATABASE": self.database.socket,
            "JUDGE_REDIS": self.redis.url,
            "JUDGE_NUMBER": str(number),
            "JUDGE_TESTS": str(self.tests),
            "JUDGE_REPORT": str(report),
            "JUDGE_MODE": mode,
        }
        command = [sys.executable, "-m", "tests.judge.worker", *labels]
        with log.open("wb") as output:
            try:
                subprocess.run(
                    command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output, timeout=LONGEST,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return f"{' '.join(labels)}: more than {LONGEST} s\n{log.read_text()[-2000:]}"
        if not report.exists():
            return f"{' '.join(labels)}:\n{log.read_text()[-3000:]}"
        told: dict[str, Any] = json.loads(report.read_text())
        return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", nargs="*", default=list(LABELS))
    parser.add_argument("--report", type=Path, help="write all that was told here, in JSON")
    options = parser.parse_args()
    started = time.monotonic()
    verdict = Verdict()
    with (
        servers.MariaDB() as database,
        servers.Redis() as redis,
        tempfile.TemporaryDirectory() as folder,
    ):
        court = Court(database, redis, suite.tests(), Path(folder))
        parts = chunks(tuple(options.labels), PARTS)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for told in pool.map(court.hear, range(PARTS), ["judged"] * PARTS, parts):
                if isinstance(told, str):
                    verdict.broken.append(told)
                else:
                    verdict.add(told)
        unexplained = _unexplained(court, verdict)
    if options.report:
        options.report.write_text(json.dumps(vars(verdict), indent=1))
    _print(verdict, unexplained, time.monotonic() - started)
    return int(bool(verdict.differences or verdict.broken or unexplained))


def _unexplained(court: Court, verdict: Verdict) -> list[str]:
    """Tests that fail, pass without the cache, and are not known."""
    new = [test for test in verdict.failures if not known.reason(test)]
    if not new:
        return []
    told = court.hear(PARTS, "plain", sorted({_label(test) for test in new}))
    if isinstance(told, str):
        verdict.broken.append(told)
        return new
    return [test for test in new if test not in told["failures"]]


def _label(test: str) -> str:
    """`setUpClass (queries.tests.Case)` is a failure of the class."""
    return test.partition("(")[2].rstrip(")") if "(" in test else test


def _print(verdict: Verdict, unexplained: list[str], seconds: float) -> None:
    totals = verdict.totals
    print(f"{totals['tests']:>9,} tests, of these {totals['skipped']:,} skipped, {seconds:.0f} s")
    for name, count in sorted(verdict.counts.items()):
        print(f"{count:>9,} {name}")
    for name, count in verdict.bypasses.most_common(40):
        print(f"{count:>9,} not cached: {name}")
    print(f"{len(verdict.failures):>9,} tests that failed, by reason:")
    reasons = Counter(
        "it passes without the cache"
        if test in unexplained
        else known.reason(test) or "it fails without the cache, too, where TestCase commits"
        for test in verdict.failures
    )
    for reason, count in reasons.most_common():
        print(f"{count:>9,}   {reason}")
    print(f"{len(verdict.differences):>9,} differences")
    for difference in verdict.differences[:40]:
        print("\n{test}\n  {difference}\n  {sql}".format_map(difference))
    for test in unexplained[:40]:
        print(f"\n{test}\n{verdict.failures[test]}")
    for broken in verdict.broken:
        print(f"\nA part of the suite did not end: {broken}")


if __name__ == "__main__":
    sys.exit(main())
