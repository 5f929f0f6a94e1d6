"""gunicorn's configuration: BIND, WORKERS, THREADS; and metrics that are summed over workers."""

import os
import tempfile
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WORKERS", "2"))
threads = int(os.environ.get("THREADS", "4"))

# prometheus_client looks for it when a worker imports it.
_folder = tempfile.TemporaryDirectory(prefix="planets-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder.name


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
