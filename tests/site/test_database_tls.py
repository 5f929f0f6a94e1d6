"""The database over TLS, by environment alone: the pages' connections, and the watcher's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.authority import Authority
from tests.support.primary import Primary
from tests.support.program import ROOT, Program
from tests.support.waiting import wait_until
from tests.support.watched import FLAVORS

pytestmark = [pytest.mark.mysql, pytest.mark.once]
PASSWORD, NAME = "se;cret", "tutorial"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module", params=FLAVORS)
def server(request: Any, ours: Authority) -> Iterator[Primary]:
    """One that speaks TLS alone, with users who must show a certificate."""
    certificate, key = ours.issue("server")
    tls = {"ssl_ca": ours.file, "ssl_cert": certificate, "ssl_key": key}
    with Primary(request.param, require_secure_transport="ON", **tls) as started:
        with started.client() as root:
            cursor = root.cursor()
            cursor.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
            for user, rights in {
                "site": [f"ALL ON {NAME}.*"],
                "watching": [
                    "REPLICATION SLAVE, REPLICATION CLIENT ON *.*",
                    f"SELECT, REFERENCES, TRIGGER ON {NAME}.*",
                ],
            }.items():
                who = f"{user}@'127.0.0.1'"
                cursor.execute(f"CREATE USER {who} IDENTIFIED BY '{PASSWORD}' REQUIRE X509")
                for right in rights:
                    cursor.execute(f"GRANT {right} TO {who}")
        yield started


@pytest.fixture
def variables(server: Primary, ours: Authority) -> dict[str, str]:
    certificate, key = ours.issue("client")
    return {
        "DJANGO_SETTINGS_MODULE": "planetsite.settings",  # which say who watches
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(server.port),
        "DB_USER": "site",
        "DB_PASS": PASSWORD,
        "DB_NAME": NAME,
        "WATCH_USER": "watching",
        "WATCH_PASS": PASSWORD,
        "DB_CA_CERTS": str(ours.file),
        "DB_CLIENT_CERT": certificate,
        "DB_CLIENT_KEY": key,
    }


def site(variables: dict[str, str]) -> Program:
    program = Program(**cast(Any, variables))
    program("import django; django.setup()")
    program("from django.db import connection; from planets.models import Planet, Moon")
    return program


def cipher(variables: dict[str, str]) -> str:
    """What the connection of a page is enciphered with, or why there is none."""
    with site(variables) as program:
        program(
            "def ask():\n"
            "    try:\n"
            "        with connection.cursor() as cursor:\n"
            "            cursor.execute(\"SHOW STATUS LIKE 'Ssl_cipher'\")\n"
            "            return 'cipher ' + cursor.fetchone()[1]\n"
            "    except Exception as error:\n"
            "        return str(error)"
        )
        return str(program("ask()"))


def manage(variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


@contextmanager
def watcher(variables: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-u", "manage.py", "watch_database"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            assert "watching" in process.stdout.readline()
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def test_a_page_reads_and_the_watcher_hears_over_tls(
    server: Primary, variables: dict[str, str], redis: Any
) -> None:
    assert cipher(variables).startswith("cipher TLS_")
    with site(variables) as program:
        program("from django.core.management import call_command")
        program("call_command('migrate', verbosity=0)")
        program("from planets.data.seed import seed; seed(Planet, Moon)")
        fetched = "Planet.objects.cached().get(pk=3).name"
        assert program(fetched) == "Earth"
        with watcher(variables), server.client(database=NAME) as outside:
            outside.cursor().execute("UPDATE planet SET name = 'Terra' WHERE id = 3")
            wait_until(lambda: program(fetched) == "Terra")


def test_a_server_of_an_authority_that_is_not_trusted(
    variables: dict[str, str], tmp_path: Path
) -> None:
    wrong = variables | {"DB_CA_CERTS": str(Authority(tmp_path).file)}
    said = cipher(wrong)
    assert "certificate" in said.lower(), said
    assert PASSWORD not in said
    done = manage(wrong, "watch_database", "--check")
    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr + done.stdout


def test_a_server_of_another_name(variables: dict[str, str]) -> None:
    """Its certificate is for 127.0.0.1, and by this address it is somebody else."""
    wrong = variables | {"DB_HOST": "127.0.0.2"}
    assert "cipher" not in cipher(wrong)


def test_without_a_certificate_of_its_own(variables: dict[str, str]) -> None:
    without = {"DB_CLIENT_CERT": "", "DB_CLIENT_KEY": ""}
    assert "Access denied" in cipher(variables | without)


def test_without_tls(variables: dict[str, str]) -> None:
    without = {"DB_CA_CERTS": "", "DB_CLIENT_CERT": "", "DB_CLIENT_KEY": ""}
    assert "cipher" not in cipher(variables | without)
