"""The site that is measured, on private servers: its environment, and its database filled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import servers

ROOT = Path(__file__).resolve().parents[2]


def prepared(mariadb: servers.MariaDB, redis_url: str) -> dict[str, str]:
    """The environment of every process of the run. The database is made and filled."""
    environment = {
        **os.environ,
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(mariadb.port),
        "DB_USER": mariadb.user,
        "DB_PASS": "",
        "DB_NAME": "bench",
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
    }
    told(mariadb, "CREATE DATABASE bench CHARACTER SET utf8mb4")
    prepare = [sys.executable, "-m", "tests.bench.worker", "prepare"]
    subprocess.run(prepare, cwd=ROOT, env=environment, check=True)
    return environment


def told(mariadb: servers.MariaDB, sql: str) -> str:
    """What the server says to its superuser."""
    client = servers.find_binary("mariadb", "mysql")
    command = [client, "--no-defaults", f"--socket={mariadb.socket}", "--user=root", "-Ne", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
