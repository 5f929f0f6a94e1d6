"""Redis over TLS, by environment alone: who cannot show who he is, is not talked to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote

import pytest

from tests.support.authority import Authority
from tests.support.program import Program
from tests.support.sentinels import SERVICE, watched_servers
from tests.support.servers import Redis, free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.once
USER, PASSWORD = "planets", "/?#@:,% ü"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


def files(authority: Authority, address: str = "127.0.0.1") -> dict[str, str]:
    """Directives of a Redis that wants to see certificates, too."""
    certificate, key = authority.issue("server", address)
    return {
        "tls-port": "1",
        "tls-cert-file": certificate,
        "tls-key-file": key,
        "tls-ca-cert-file": str(authority.file),
        "tls-auth-clients": "yes",
    }


def shows(authority: Authority, trusts: Authority | None = None) -> dict[str, str]:
    """The variables of a site with a certificate of this authority."""
    certificate, key = authority.issue("client")
    return {
        "REDIS_CA_CERTS": str((trusts or authority).file),
        "REDIS_CLIENT_CERT": certificate,
        "REDIS_CLIENT_KEY": key,
    }


@pytest.fixture(scope="module")
def redis_over_tls(ours: Authority) -> Iterator[str]:
    """Its address, without a scheme and a login."""
    with Redis(tcp=True, **files(ours)) as server:
        with server.client() as root:
            root.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all")
            root.execute_command("ACL", "SETUSER", "default", "off")
        yield f"127.0.0.1:{server.port}"


def site(url: str, **environment: str) -> Program:
    variables = {"REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment}
    program = Program(**cast(Any, variables))
    program("import django; django.setup()")
    program("from planets.cache.storage.client import client, Unavailable")
    program(
        "def ask():\n"
        "    try:\n"
        "        return client.call(('PING',))[0].decode()\n"
        "    except Unavailable as error:\n"
        "        return str(error)"
    )
    return program


def test_with_a_certificate_and_a_password(ours: Authority, redis_over_tls: str) -> None:
    with site(f"rediss://{LOGIN}{redis_over_tls}/3", **shows(ours)) as program:
        assert program("ask()") == "PONG"
        assert program("client.redis().client_info()['user']") == USER
        assert program("client.redis().client_info()['db']") == 3


def start_near_tier(program: Program) -> None:
    program("from planets.cache.storage import clock; from planets.cache.storage.near import near")
    program("from django.test import override_settings")
    program("override_settings(CACHE_ASIDE={'NEAR': True}).enable(); near.look(['x'])")


def is_told(program: Program) -> bool:
    """Whether Redis pushes to its near tier what changes."""
    return bool(program("near.tracking.trusted(clock.now())"))


def test_the_near_tier_is_told_over_tls_too(ours: Authority, redis_over_tls: str) -> None:
    with site(f"rediss://{LOGIN}{redis_over_tls}", **shows(ours)) as program:
        start_near_tier(program)
        wait_until(lambda: is_told(program))


def test_without_a_certificate_of_its_own(ours: Authority, redis_over_tls: str) -> None:
    trusts = {"REDIS_CA_CERTS": str(ours.file)}
    with site(f"rediss://{LOGIN}{redis_over_tls}", **trusts) as program:
        assert program("ask()") != "PONG"


def test_with_a_certificate_of_somebody_elses(
    ours: Authority, theirs: Authority, redis_over_tls: str
) -> None:
    with site(f"rediss://{LOGIN}{redis_over_tls}", **shows(theirs, trusts=ours)) as program:
        assert program("ask()") != "PONG"


def test_a_server_of_an_authority_that_is_not_trusted(
    ours: Authority, theirs: Authority, redis_over_tls: str
) -> None:
    with site(f"rediss://{LOGIN}{redis_over_tls}", **shows(ours, trusts=theirs)) as program:
        said = program("ask()")
        assert "CERTIFICATE_VERIFY_FAILED" in said
        assert quote(PASSWORD) not in said


def test_a_server_of_another_name(ours: Authority) -> None:
    with (
        Redis(tcp=True, **files(ours, "127.0.0.2")) as server,
        site(f"rediss://127.0.0.1:{server.port}", **shows(ours)) as program,
    ):
        assert "certificate is not valid for '127.0.0.1'" in program("ask()")


def test_a_cluster_by_one_of_its_nodes(ours: Authority) -> None:
    cluster = {"cluster-enabled": "yes", "cluster-port": free_port(), "tls-cluster": "yes"}
    with Redis(tcp=True, **files(ours), **cluster) as server:
        with server.client() as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        url = f"rediss+cluster://127.0.0.1:{server.port},127.0.0.1:1"
        with site(url, **shows(ours)) as program:
            program("found = client.call(('SET', 'a', '1'), ('SET', 'b', '2'), ('GET', 'a'))")
            assert program("found[-1].decode()") == "1"
            assert program("client.redis().get_nodes()"), "it is led as a cluster"


def test_behind_sentinels_that_want_all_of_it(ours: Authority) -> None:
    """The servers and the sentinels, which have passwords of their own, and call each other."""
    directives = files(ours) | {"tls-replication": "yes"}
    mine = shows(ours)
    sentinels = (
        *(f"{name} {value}" for name, value in directives.items() if name != "tls-port"),
        *("requirepass of-sentinels", "sentinel sentinel-pass of-sentinels"),
        f"sentinel auth-pass {SERVICE} of-servers",
    )
    login = {
        "password": "of-sentinels",
        "ssl": True,
        "ssl_ca_certs": mine["REDIS_CA_CERTS"],
        "ssl_certfile": mine["REDIS_CLIENT_CERT"],
        "ssl_keyfile": mine["REDIS_CLIENT_KEY"],
    }
    servers = {"requirepass": "of-servers", "masterauth": "of-servers", **directives}
    with watched_servers(sentinels, login, **servers) as redis:
        url = redis.url("rediss+sentinel", ":of-servers@")
        with site(url, REDIS_SENTINEL_PASSWORD="of-sentinels", **mine) as program:
            assert program("ask()") == "PONG"
            start_near_tier(program)
            wait_until(lambda: is_told(program))
            redis.primary.stop(signal.SIGKILL)
            wait_until(lambda: not is_told(program))
            redis.wait_for_primary(redis.replica)
            wait_until(lambda: program("ask()") == "PONG")
            wait_until(lambda: is_told(program))
        with site(url, REDIS_SENTINEL_PASSWORD="wrong", **mine) as program:
            assert program("ask()") != "PONG"
