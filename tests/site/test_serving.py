"""A database that is there and silent: pages do not wait for it, commands do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.test import Client

from planets.cache.storage import keys
from planets.models import Planet
from planets.records import planet
from planetsite.database_away import RETRY_AFTER
from planetsite.patience import patience
from planetsite.serving import limit_waits
from tests.support.interleave import elsewhere
from tests.support.silence import silence
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]

ROOT = Path(__file__).resolve().parents[2]
LOST = 2013  # MySQL's number for a connection lost while waiting for an answer


@pytest.fixture
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """New connections are as a server's; this thread's stays as it is."""
    default = connections.settings["default"]
    monkeypatch.setitem(default, "OPTIONS", default["OPTIONS"])  # to be put back
    for name in ("_seats", "_free", "away"):
        monkeypatch.setattr(patience, name, getattr(patience, name))
    settings.DB_TIMEOUT = 1
    limit_waits()


def test_a_page_is_a_503_that_says_when_to_come_back(redis: Any, limited: None) -> None:
    def ask() -> list[Any]:
        assert Client().get("/planets/3/").status_code == 200  # it has a connection, as a worker
        with silence():
            return [Client().get(page) for page in ("/planets/3/", "/?q=a", "/moons/?q=a")]

    cached, *pages = elsewhere(ask)
    assert cached.status_code == 200
    for page in pages:
        assert (page.status_code, page["Retry-After"]) == (503, str(RETRY_AFTER))
    assert elsewhere(lambda: Client().get("/?q=a")).status_code == 200


@pytest.mark.parametrize("by", ["statement", "commit"])
def test_a_write_without_an_answer_keeps_its_gates_closed(
    redis: Any, limited: None, by: str
) -> None:
    """The server may do it yet, and here it does."""

    def rename() -> None:
        Planet.objects.filter(pk=3).update(name="Terra")

    def lose_the_answer() -> None:
        Planet.objects.exists()
        if by == "statement":
            with silence():
                rename()
        else:
            with transaction.atomic(), silence_at_the_end():
                rename()

    assert planet(3).name == "Earth"  # type: ignore[union-attr]
    with pytest.raises(OperationalError) as lost:
        elsewhere(lose_the_answer)
    assert lost.value.args[0] == LOST
    for gate in (keys.gate("default", "planet"), keys.lease("planet:3")):
        assert redis.get(gate).startswith("w:"), gate
    wait_until(lambda: Planet.objects.get(pk=3).name == "Terra")
    assert planet(3).name == "Terra"  # type: ignore[union-attr]


@contextmanager
def silence_at_the_end() -> Iterator[None]:
    """From the end of the block until COMMIT has been given up."""
    yield
    own = connections["default"]
    commit = own._commit

    def commit_in_silence() -> None:
        with silence():
            commit()

    own._commit = commit_in_silence


SLOW = "from django.db import connection as c; c.cursor().execute('SELECT SLEEP(2)')"
RUNSERVER = (
    "import django; django.setup(); from django.core.servers import basehttp; "
    "basehttp.get_internal_wsgi_application(); "
)


@pytest.mark.parametrize(
    ("command", "limit", "lost"),
    [
        (["-c", f"import planetsite.wsgi; {SLOW}"], "1", True),
        (["-c", f"import planetsite.asgi; {SLOW}"], "1", True),
        (["-c", RUNSERVER + SLOW], "1", True),
        (["-c", f"import planetsite.wsgi; {SLOW}"], "0", False),
        (["manage.py", "shell", "-v0", "-c", SLOW], "1", False),
    ],
    ids=["wsgi", "asgi", "runserver", "wsgi without a limit", "command"],
)
def test_only_what_serves_pages_is_limited(command: list[str], limit: str, lost: bool) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "planetsite.settings",
            "DB_NAME": connections["default"].settings_dict["NAME"],
            "DB_TIMEOUT": limit,
            "DEBUG": "on",  # nothing is collected, and no host is named
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, str(LOST) in done.stderr) == (int(lost), lost), done.stderr
