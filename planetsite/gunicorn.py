"""gunicorn's configuration: BIND, WORKERS, THREADS; and metrics that are summed over workers."""

import atexit
import os
import shutil
import tempfile
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WORKERS", "2"))
threads = int(os.environ.get("THREADS", "4"))

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
