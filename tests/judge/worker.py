"""Runs labels of Django's suite in this process: `python -m tests.judge.worker queries lookup`.

By JUDGE_MODE as "judged", or "plain": with commits, and without the cache. Writes what came of it
to JUDGE_REPORT, in JSON.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from . import committing, reads, runner
from .labels import EXCLUDED_TAGS


def main() -> None:
    tests = os.environ["JUDGE_TESTS"]
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="judge-")
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
    sys.path.insert(0, tests)
    os.chdir(tests)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.judge.settings"
    judged = os.environ["JUDGE_MODE"] == "judged"
    if judged:
        from . import queryset

        queryset.install()
    committing.install()
    import runtests  # type: ignore[import-not-found]

    if judged:
        runtests.ALWAYS_INSTALLED_APPS.append("planets.cache")
    runtests.django_tests(
        verbosity=1, interactive=False, failfast=False, keepdb=False, reverse=False,
        test_labels=sys.argv[1:], debug_sql=False, parallel=1, tags=None,
        exclude_tags=list(EXCLUDED_TAGS), test_name_patterns=None, start_at="", start_after="",
        pdb=False, buffer=False, timing=False, shuffle=False,
    )  # fmt: skip
    report = {
        **runner.totals,
        "failures": runner.failures,
        "counts": reads.counts,
        "bypasses": reads.bypasses,
        "differences": reads.found,
    }
    Path(os.environ["JUDGE_REPORT"]).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
