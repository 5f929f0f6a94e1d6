"""What stands in CACHES in place of a Redis for the cache says so in one line, and in the log."""

from __future__ import annotations

import http.server
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core import checks

from planets.cache.storage import mistaken
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.authority import Authority
from tests.support.cluster import Cluster, configuration
from tests.support.outage import use
from tests.support.sentinels import Sentinel
from tests.support.servers import MariaDB, Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

GOOD: dict[str, Any] = {"maxmemory": "50mb", "maxmemory-policy": "volatile-lfu"}
Address = Callable[[Path], AbstractContextManager[str]]
addresses: list[Any] = []


def wrong(id_: str, words: str, log: str = "") -> Callable[[Callable[[Path], Iterator[str]]], None]:
    """An address, the check that finds it, and words of its line; `log` are those of the log."""

    def note(address: Callable[[Path], Iterator[str]]) -> None:
        case = (contextmanager(address), f"cache_aside.{id_}", words, log or words)
        addresses.append(pytest.param(*case, id=address.__name__))

    return note


@wrong("E015", "is a sentinel, which has no data")
def sentinel(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server, Sentinel(server.port, (), {}) as found:
        yield f"redis://127.0.0.1:{found.port}/0"


@wrong("E015", "is a sentinel, which has no data")
def sentinel_with_a_number(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server, Sentinel(server.port, (), {}) as found:
        yield f"redis://127.0.0.1:{found.port}/1"


@wrong("E015", "speaks no TLS, and LOCATION in CACHES begins with rediss://")
def tls_to_one_that_knows_none(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server:
        yield f"rediss://127.0.0.1:{server.port}/0"


def _over_tls(folder: Path, **options: Any) -> Redis:
    authority = Authority(folder)
    certificate, key = authority.issue("server")
    files = {"tls-cert-file": certificate, "tls-key-file": key}
    ca = {"tls-ca-cert-file": str(authority.file)}
    return Redis(tcp=True, **{"tls-port": "1", "tls-auth-clients": "no", **files, **ca, **options})


@wrong("E015", "wants TLS, and LOCATION in CACHES begins with redis://")
def plain_to_one_that_wants_tls(folder: Path) -> Iterator[str]:
    with _over_tls(folder) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E015", "wants TLS, and LOCATION in CACHES begins with redis://")
def plain_to_one_that_wants_certificates(folder: Path) -> Iterator[str]:
    with _over_tls(folder, **{"tls-auth-clients": "yes"}) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E015", "is a MySQL or MariaDB server")
def a_database(folder: Path) -> Iterator[str]:
    with MariaDB(tcp=True) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E015", "is a MySQL or MariaDB server")
def a_database_over_tls(folder: Path) -> Iterator[str]:
    with MariaDB(tcp=True) as server:
        yield f"rediss://127.0.0.1:{server.port}/0"


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@wrong("E015", "is a web server")
def a_web_server(folder: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


@wrong("E015", "Redis refuses the user or the password that CACHES has")
def a_wrong_password(folder: Path) -> Iterator[str]:
    with Redis(tcp=True, requirepass="right") as server:
        yield f"redis://:wrong@127.0.0.1:{server.port}/0"


@wrong("E015", "Redis refuses the user or the password that CACHES has")
def an_unknown_user(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server:
        yield f"redis://nobody:wrong@127.0.0.1:{server.port}/0"


@wrong("E015", "Redis wants a password, and CACHES has none")
def no_password(folder: Path) -> Iterator[str]:
    with Redis(tcp=True, requirepass="right") as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E015", "The Redis of CACHE_ASIDE has no database 99")
def a_number_that_it_has_not(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server:
        yield f"redis://127.0.0.1:{server.port}/99"


@wrong(
    "E010",
    "The user that the cache has in Redis lacks",
    log="[Nn]o permissions to access|NOPERM|can't access",
)
def a_user_without_keys(folder: Path) -> Iterator[str]:
    with _of_a_user("+@all") as url:
        yield url


@wrong("E010", "The user that the cache has in Redis lacks", log="'eval'|eval")
def a_user_who_may_only_read(folder: Path) -> Iterator[str]:
    with _of_a_user("+ping", "+select", "+hello", "~*", "+get", "+mget") as url:
        yield url


@wrong("E010", "Redis does not let the cache see that it is there", log="'eval'|eval")
def a_user_without_rights(folder: Path) -> Iterator[str]:
    with _of_a_user() as url:
        yield url


@contextmanager
def _of_a_user(*rules: str) -> Iterator[str]:
    with Redis(tcp=True, **GOOD) as server:
        with server.client() as root:
            root.execute_command("ACL", "SETUSER", "site", "on", ">password", *rules)
        yield f"redis://site:password@127.0.0.1:{server.port}/0"


@wrong("E006", "is a replica", log="READONLY|read only replica")
def a_replica(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as primary, Redis(tcp=True) as server, server.client() as root:
        root.replicaof("127.0.0.1", primary.port)
        wait_until(lambda: root.info("replication")["master_link_status"] == "up")
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E013", "is one node of a Redis Cluster")
def a_node_of_a_cluster(folder: Path) -> Iterator[str]:
    with Cluster(replicas=False) as cluster:
        yield f"redis://127.0.0.1:{cluster.nodes[0].port}/0"


@wrong("E015", "is one server, and is asked as if it were a cluster")
def cluster_of_one_that_is_none(folder: Path) -> Iterator[str]:
    with Redis(tcp=True) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@wrong("E008", "names the database 3, and a Redis Cluster has only 0")
def cluster_with_a_number(folder: Path) -> Iterator[str]:
    with Cluster(replicas=False) as cluster:
        yield f"redis://127.0.0.1:{cluster.nodes[0].port}/3"


@pytest.mark.parametrize(("address", "id_", "words", "log"), addresses)
def test_it_is_told_in_one_line_and_fails_no_page(
    address: Address,
    id_: str,
    words: str,
    log: str,
    settings: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    before = settings.CACHES
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with address(tmp_path) as url, caplog.at_level(logging.WARNING, "planets.cache"):
        if "[cluster_" in request.node.name:
            settings.CACHES = {"default": configuration(url)}
        else:
            use(settings, url)
        assert [both() for _ in range(4)] == [{OLD}] * 4
        rename()
        assert both() == {NEW}
        found = checks.run_checks(tags=["redis"], include_deployment_checks=True)
        errors = [message for message in found if message.level >= checks.ERROR]
        assert len(errors) == 1, errors
        error = errors[0]
        assert (error.id, words in error.msg, bool(error.hint)) == (id_, True, True), error
        wait_until(lambda: re.search(log, caplog.text))
        assert len([line for line in caplog.messages if re.search(log, line)]) <= 2, caplog.messages
    settings.CACHES = before
    wait_until(lambda: not client.away)
    assert both() == {NEW}


def test_nobody_at_an_address_is_no_mistake(settings: Any) -> None:
    """It may be there later: E004 tells."""
    before = settings.CACHES
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    use(settings, "redis://127.0.0.1:1/0")
    (found,) = checks.run_checks(tags=["redis"], include_deployment_checks=True)
    assert found.id == "cache_aside.E004"
    settings.CACHES = before
    wait_until(lambda: not client.away)


def test_of_a_redis_that_is_well_nothing_is_wrong(redis: Any) -> None:
    assert mistaken.mistake(client.redis(), None) is None
