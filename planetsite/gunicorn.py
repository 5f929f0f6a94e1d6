"""gunicorn's configuration: BIND, WORKERS, THREADS; and metrics that are summed over workers."""

import os
import tempfile
from typing import Any

from .environment import number, one_line_errors, text

with one_line_errors():
    bind = text("BIND", "127.0.0.1:8000")
    workers = int(number("WORKERS", 2, low=1, high=100))
    threads = int(number("THREADS", 4, low=1, high=100))

# prometheus_client looks for it when a worker imports it.
_folder = tempfile.TemporaryDirectory(prefix="planets-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder.name


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
