"""A Python program of its own, with settings of its own, that is told what to do over a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from django.db import connection

from .waiting import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
# A line is an expression, whose value goes back, or a statement. Both are JSON.
LOOP = """
import json, sys, traceback
replies, sys.stdout = sys.stdout, sys.stderr
scope = {}
for line in sys.stdin:
    source, reply = json.loads(line), {}
    try:
        try:
            code = compile(source, "<told>", "eval")
        except SyntaxError:
            exec(source, scope)
        else:
            reply["value"] = eval(code, scope)
    except BaseException:
        reply["error"] = traceback.format_exc()
    print(json.dumps(reply, default=str), file=replies, flush=True)
"""


class Program:
    """Runs until the end of its `with`."""

    def __init__(
        self, *, python: str = sys.executable, folder: Path = ROOT, **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            [python, "-c", LOOP],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, source: str) -> Any:
        """The value of an expression, as JSON has it (or its text); None after statements."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(source), file=self.process.stdin, flush=True)
        impatience = threading.Timer(PATIENCE, self.process.kill)
        impatience.start()
        try:
            line = self.process.stdout.readline()
        finally:
            impatience.cancel()
        assert line, f"the program has ended, or hung: {source}"
        reply = json.loads(line)
        assert "error" not in reply, reply["error"]
        return reply.get("value")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()


def set_up(**settings: Any) -> str:
    """Statements that set Django up on the database and the Redis of this run."""
    found: dict[str, Any] = {
        "DATABASES": {"default": database()},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "USE_TZ": True,
        **settings,
    }
    return (
        f"import django; from django.conf import settings; settings.configure(**{found!r}); "
        "django.setup()"
    )


def database(**changes: Any) -> dict[str, Any]:
    """The database that the test uses, for DATABASES."""
    names = ("ENGINE", "HOST", "PORT", "USER", "PASSWORD", "NAME", "OPTIONS")
    return {**{name: connection.settings_dict[name] for name in names}, **changes}
