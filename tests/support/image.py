"""The image that the Dockerfile describes, as far as it can be had without Docker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .servers import accepts, free_port
from .waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.prefix)


class Step(NamedTuple):
    word: str
    rest: str


def steps() -> list[Step]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    return [Step(*line.split(maxsplit=1)) for line in lines if line]


def final_steps() -> list[Step]:
    """Those of the image itself, after the one that it was built in."""
    found = steps()
    last = max(number for number, step in enumerate(found) if step.word == "FROM")
    return found[last:]


def copied() -> list[list[str]]:
    given = (step.rest.split() for step in steps() if step.word == "COPY")
    return [words for words in given if not words[0].startswith("--from")]


@contextmanager
def image(folder: Path, **environment: str) -> Iterator[int]:
    """Runs the image's command on what the image holds; the port that it listens on."""
    for *sources, target in copied():
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target)
            elif source != "requirements.txt":  # which goes to the stage before
                shutil.copy(ROOT / source, folder)
    port = free_port()
    bare = {"PATH": f"{VENV / 'bin'}:/usr/bin:/bin"}
    for step in final_steps():
        if step.word == "RUN" and "manage.py" in step.rest:
            subprocess.run(["sh", "-c", step.rest], cwd=folder, env=bare, check=True)
    command = next(step.rest for step in final_steps() if step.word == "CMD")
    serves = {**bare, "BIND": f"127.0.0.1:{port}", "TMPDIR": str(folder), **environment}
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            json.loads(command), cwd=folder, env=serves, stdout=output, stderr=output
        ) as process,
    ):
        try:
            give_up = time.monotonic() + PATIENCE
            while not accepts(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < give_up, log.read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
