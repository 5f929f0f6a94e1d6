"""The site as it is in the image, behind the proxy of the example."""

from __future__ import annotations

import http.client
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from axes.models import AccessAttempt
from django.db import connection

from tests.support.authority import Authority
from tests.support.image import image
from tests.support.nginx import Nginx
from tests.support.waiting import PATIENCE

pytestmark = [
    pytest.mark.once,
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]
HOST = "planets.example.org"
SOON = 8  # seconds; who is silent is cut off after 10, and would hold a thread until then


class Deployed(NamedTuple):
    nginx: Nginx
    port: int
    context: ssl.SSLContext

    def ask(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        client = http.client.HTTPSConnection(
            "127.0.0.1", self.nginx.port, context=self.context, timeout=PATIENCE
        )
        return answer(client, path, {"Host": HOST, **headers})

    def ask_gunicorn(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return answer(client, path, headers)


def answer(
    client: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> tuple[int, dict[str, str], str]:
    try:
        client.request("GET", path, headers=headers)
        response = client.getresponse()
        return response.status, dict(response.headers), response.read().decode()
    finally:
        client.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def deployed(folder: Path, authority: Authority) -> Iterator[Deployed]:
    certificate, key = authority.issue("nginx")
    database = connection.settings_dict
    production = {
        "SECRET_KEY": "kJ8-vQ2_mXw7Rz4LpTn6YbHc3GdFs9AeUiOjKqWxZyVtBnMlPr5S",
        "ALLOWED_HOSTS": HOST,
        "BEHIND_TLS_PROXY": "on",
        "REDIS_URL": os.environ["REDIS_URL"],
        **{f"DB_{name}": str(database[name]) for name in ("HOST", "PORT", "USER", "NAME")},
        "WORKERS": "1",
        "THREADS": "1",
        "CACHE_STATUS": "on",
    }
    with (
        image(folder, **production) as port,
        Nginx(port, certificate, key) as nginx,
    ):
        context = ssl.create_default_context(cafile=str(authority.file))
        yield Deployed(nginx, port, context)


def form(site: Deployed) -> tuple[str, dict[str, str]]:
    """The token of the login's form, and the headers that its sender needs."""
    _, given, page = site.ask("/admin/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    return token, {
        "Host": HOST,
        "Referer": f"https://{HOST}/admin/login/",
        "Cookie": given["Set-Cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }


def log_in(site: Deployed, **headers: str) -> int:
    """One try with a wrong password."""
    token, needed = form(site)
    body = f"csrfmiddlewaretoken={token}&username=x&password=x"
    client = http.client.HTTPSConnection(
        "127.0.0.1", site.nginx.port, context=site.context, timeout=PATIENCE
    )
    try:
        client.request("POST", "/admin/login/", body=body, headers=needed | headers)
        return client.getresponse().status
    finally:
        client.close()


@contextmanager
def slow_sender(site: Deployed) -> Iterator[None]:
    """Somebody who has announced a form and sends no more than its first word."""
    _, needed = form(site)
    lines = [f"{name}: {value}" for name, value in needed.items()]
    head = "\r\n".join(["POST /admin/login/ HTTP/1.1", "Content-Length: 1000", *lines])
    with (
        socket.create_connection(("127.0.0.1", site.nginx.port)) as plain,
        site.context.wrap_socket(plain, server_hostname="127.0.0.1") as sender,
    ):
        sender.sendall(f"{head}\r\n\r\nusername=".encode())
        assert not select.select([sender], [], [], 1)[0], "it is read whole before it is answered"
        yield


def test_a_visitor_gets_pages_and_no_probes(
    tmp_path: Path, authority: Authority, redis: Any
) -> None:
    with deployed(tmp_path, authority) as site:
        assert "syntax is ok" in site.nginx.judged()
        assert site.ask_gunicorn("/readyz")[:1] == (200,)
        # Its name and its scheme come through: else this were a 400, or a redirect.
        status, headers, page = site.ask("/planets/3/")
        assert (status, "Earth" in page) == (200, True)
        assert headers["Strict-Transport-Security"]
        assert site.ask("/planets/3/", Host="evil.example.org")[0] == 400
        status, headers, _ = site.ask(re.findall(r'href="(/static/\S+\.css)"', page)[0])
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)
        for probe in ("/healthz", "/readyz", "/metrics"):
            assert site.ask(probe)[0] == 404
        plain = http.client.HTTPConnection("127.0.0.1", site.nginx.plain_port)
        status, headers, _ = answer(plain, "/planets/3/", {"Host": HOST})
        assert (status, headers["Location"]) == (301, f"https://{HOST}/planets/3/")


def test_what_a_visitor_says_of_himself_is_not_believed(
    tmp_path: Path, authority: Authority, redis: Any
) -> None:
    """By another address for each try he could guess passwords without end."""
    with deployed(tmp_path, authority) as site:
        assert site.ask("/planets/3/", **{"X-Forwarded-Proto": "http"})[0] == 200
        assert log_in(site, **{"X-Forwarded-For": "192.0.2.7"}) == 200
        assert [attempt.ip_address for attempt in AccessAttempt.objects.all()] == ["127.0.0.1"]


def test_one_who_sends_slowly_takes_no_thread(
    tmp_path: Path, authority: Authority, redis: Any
) -> None:
    with deployed(tmp_path, authority) as site, slow_sender(site):
        began = time.monotonic()
        assert site.ask("/planets/3/")[0] == 200
        assert time.monotonic() - began < SOON
