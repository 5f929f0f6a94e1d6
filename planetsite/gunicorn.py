"""gunicorn's configuration: BIND, WORKERS, THREADS; and metrics that are summed over workers."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .environment import number, one_line_errors, read_file, text

with one_line_errors():
    # The settings read THREADS too, and from here too.
    read_file("ENV_FILE", Path(__file__).resolve().parent.parent / ".env")
    bind = text("BIND", "127.0.0.1:8000")
    workers = int(number("WORKERS", 2, low=1, high=100))
    threads = int(number("THREADS", 4, low=1, high=100))

# prometheus_client looks for it when a worker imports it.
_folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="planets-metrics-")


@atexit.register
def _remove_folder() -> None:
    shutil.rmtree(_folder, ignore_errors=True)


def post_fork(server: Any, worker: Any) -> None:
    # It goes with the master: the other workers count on when one of them ends.
    atexit.unregister(_remove_folder)


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
