"""REDIS_URL: what is right, and one line for what is wrong, in which no password stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import get_default_exception_reporter_filter
from django_redis.pool import SentinelConnectionFactory, get_connection_factory

from planets.cache.cluster import read
from planetsite.certificates import Certificates, certificates
from planetsite.hiding import HIDDEN
from planetsite.redis_address import Address, parse, redis_address
from planetsite.redis_options import redis_options, sentinel_login
from tests.support.authority import Authority

pytestmark = pytest.mark.once


def server(url: str, *, tls: bool = False) -> Address:
    return Address("", tls, [url])


def behind_sentinels(
    url: str, service: str, *sentinels: tuple[str, int], tls: bool = False
) -> Address:
    return Address("sentinel", tls, [url], list(sentinels), service)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", server("redis://h")),
        ("redis://h:1/2", server("redis://h:1/2")),
        ("rediss://u:p%40@h/0", server("rediss://u:p%40@h/0", tls=True)),
        ("redis://u:p@q@h", server("redis://u:p@q@h")),
        ("redis://u:p,q@h", server("redis://u:p,q@h")),
        ("redis://[::1]:7/0", server("redis://[::1]:7/0")),
        ("valkey://h", server("redis://h")),
        ("valkeys://h", server("rediss://h", tls=True)),
        ("redis://h?db=3&protocol=3", server("redis://h?db=3&protocol=3")),
        ("unix:///r.sock?db=1", server("unix:///r.sock?db=1")),
        ("unix://u:p@/r.sock", server("unix://u:p@/r.sock")),
        ("redis+cluster://a,b", Address("cluster", False, ["redis://a", "redis://b"])),
        ("redis-cluster://a,b/0", Address("cluster", False, ["redis://a", "redis://b"])),
        (
            "rediss+cluster://u:p@[fe80::1]:1,b",
            Address("cluster", True, ["rediss://u:p@[fe80::1]:1", "rediss://u:p@b"]),
        ),
        (
            "redis+sentinel://a:1,b/myMaster",
            behind_sentinels("redis://myMaster/0", "myMaster", ("a", 1), ("b", 26379)),
        ),
        (
            "rediss+sentinel://u:p@[::1]:1/my-master.2/3",
            behind_sentinels("redis://u:p@my-master.2/3", "my-master.2", ("::1", 1), tls=True),
        ),
        ("redis-sentinel://a:1/m/", behind_sentinels("redis://m/0", "m", ("a", 1))),
    ],
)
def test_an_address(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://h", "REDIS_URL must be redis://host:port/number, rediss:// for TLS"),
        ("secret", "its scheme is ''."),
        ("sentinel://secret@h", "its scheme is 'sentinel'."),
        ("redis://", "its scheme is ''."),
        ("redis:///0", "REDIS_URL names '' as a host, must be host:port"),
        ("redis://:secret", "REDIS_URL names '' as a host"),
        ("redis://user:secret", "REDIS_URL names 'user' as a host"),
        ("redis://user:se[cret", "REDIS_URL names 'user' as a host"),
        ("redis://:secret@h:0", "REDIS_URL names 'h' as a host"),
        ("redis://:secret@::1:6379", "an IPv6 address in [ ]"),
        ("redis://[::1", "REDIS_URL names '[::1' as a host"),
        ("redis://[1:2]", "REDIS_URL names '[1:2]' as a host"),
        ("redis://:se/cret@h", "write them as %2F, %3F and %23."),
        ("redis://:se?cret@h", "write them as %2F, %3F and %23."),
        ("redis://:se#cret@h", "write them as %2F, %3F and %23."),
        ("redis://:secret@h/cache", "REDIS_URL must end with the number of a database, as /0"),
        ("redis://:secret@h/0?db=secret", "has options that redis-py does not take so: db."),
        ("redis://h?pasword=secret", "has options that redis-py does not take so: pasword."),
        ("redis://h?ssl_ca_certs=secret", "does not take so: ssl_ca_certs."),
        ("redis://:secret@a,b", "begin it with redis+cluster:// or redis+sentinel://."),
        ("rediss://:secret@a,b", "begin it with rediss+cluster:// or rediss+sentinel://."),
        ("unix://", "its scheme is ''."),
        ("unix://:secret@", "REDIS_URL names no socket, must be unix:///path."),
        ("unix://:secret@/", "REDIS_URL names no socket, must be unix:///path."),
        ("redis+cluster://:secret@a/3", "names database '3', and a cluster has only 0"),
        (
            "redis+cluster://:secret@a?db=0",
            "options after a ?, which redis+cluster:// does not take",
        ),
        ("redis+cluster://a,,b", "REDIS_URL names '' as a host"),
        ("redis+cluster://:secret@a,:secret@b", "has more than one @: user:password@ stands once"),
        ("redis+sentinel://:secret@a:1", "must end with the service that the sentinels watch"),
        ("redis+sentinel://:secret@a:1/0", "as redis+sentinel://host:26379/mymaster/0."),
        ("redis+sentinel://a:1/m/x", "must end with the service"),
        ("redis+sentinel://a:1/m?sentinelMasterId=m", "options after a ?"),
    ],
)
def test_what_is_wrong_is_one_line(monkeypatch: Any, url: str, line: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured) as error:
        redis_address("REDIS_URL", "")
    said = str(error.value)
    assert said.startswith("REDIS_URL ")
    assert line in said
    assert "\n" not in said
    assert "cret" not in said


def test_a_login_for_sentinels_where_there_are_none(monkeypatch: Any) -> None:
    monkeypatch.setenv("SENTINEL_PASSWORD", "secret")
    with pytest.raises(ImproperlyConfigured) as error:
        sentinel_login(parse("redis://h"), "SENTINEL_USER", "SENTINEL_PASSWORD")
    assert str(error.value) == "SENTINEL_PASSWORD is set, so REDIS_URL must be redis+sentinel://."


def test_a_user_for_sentinels_without_a_password(monkeypatch: Any) -> None:
    monkeypatch.setenv("SENTINEL_USER", "me")
    with pytest.raises(ImproperlyConfigured, match="so SENTINEL_PASSWORD must be too"):
        sentinel_login(parse("redis+sentinel://h/m"), "SENTINEL_USER", "SENTINEL_PASSWORD")


def test_sentinels_are_asked_for_the_service_by_its_very_name() -> None:
    """Its capitals count, and an address has none."""
    address = parse("rediss+sentinel://u:p%40@a,b/myMaster/2")
    options = redis_options(address, Certificates(), {"password": "s"})
    factory: Any = get_connection_factory(options)
    assert isinstance(factory, SentinelConnectionFactory)
    pool = factory.connect(address.location[0]).connection_pool
    assert (pool.service_name, pool.is_master) == ("myMaster", True)
    made = pool.make_connection()
    assert (type(made).__name__, made.db, made.username, made.password) == (
        "SentinelManagedSSLConnection", 2, "u", "p@",
    )  # fmt: skip
    for sentinel in factory._sentinel.sentinels:
        asked = sentinel.connection_pool.make_connection()
        assert (asked.password, asked.retry.get_retries()) == ("s", 0)


def test_a_cluster_knows_all_of_its_nodes() -> None:
    address = parse("rediss+cluster://u:p%40@a:1,b:2")
    options = redis_options(address, Certificates("ca.pem"), {})
    factory: Any = get_connection_factory(options)
    nodes, told = read(address.location)
    assert nodes == [("a", 1), ("b", 2)]
    assert told == {"username": "u", "password": "p@", "ssl": True}
    assert factory.arguments()["ssl_ca_certs"] == "ca.pem"


@pytest.mark.parametrize("url", ["redis+sentinel://u:secret@a/m", "redis+cluster://u:secret@a,b"])
def test_debug_shows_no_password(settings: Any, url: str) -> None:
    address = parse(url)
    options = redis_options(address, Certificates(), {"password": "secret", "username": "me"})
    settings.CACHES = {"default": {"LOCATION": address.location, "OPTIONS": options}}
    shown = str(get_default_exception_reporter_filter().get_safe_settings()["CACHES"])
    assert "secret" not in shown
    assert HIDDEN in shown


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    def read(self, monkeypatch: Any, *paths: Any, unless: str = "") -> Certificates:
        names = ("CA", "CERT", "KEY")
        for name, path in zip(names, paths, strict=True):
            monkeypatch.setenv(name, str(path))
        return certificates(*names, unless=unless)

    def test_what_is_not_set(self) -> None:
        nothing = certificates("CA", "CERT", "KEY", unless="a rule")
        assert (nothing.for_redis(), nothing.for_mysql()) == ({}, {})

    def test_all_of_them(self, monkeypatch: Any, authority: Authority) -> None:
        certificate, key = authority.issue("client")
        found = self.read(monkeypatch, authority.file, certificate, key)
        assert found.for_redis() == {
            "ssl_ca_certs": str(authority.file),
            "ssl_certfile": certificate,
            "ssl_keyfile": key,
        }
        assert found.for_mysql() == {
            "ssl": {"ca": str(authority.file), "cert": certificate, "key": key},
            "ssl_mode": "VERIFY_IDENTITY",
        }

    def test_what_is_wrong_is_one_line(self, monkeypatch: Any, authority: Authority) -> None:
        certificate, key = authority.issue("client")
        other = authority.issue("other")[1]
        protected = authority.protected("client", "secret")
        (nonsense := authority.folder / "nonsense").write_text("nonsense")
        for paths, line in (
            (("/no/file", "", ""), "CA is '/no/file', must be a file that is there"),
            ((nonsense, "", ""), "must be a file of certificates in PEM"),
            (("", certificate, ""), "CERT is set, so KEY must be too"),
            (("", "", key), "KEY is set, so CERT must be too"),
            (("", certificate, other), f"KEY is '{other}', must be the key"),
            (("", certificate, protected), f"KEY is '{protected}', must be the key"),
            (("", nonsense, key), "of the certificate in CERT"),
            (("", authority.folder, key), "of the certificate in CERT"),
        ):
            with pytest.raises(ImproperlyConfigured) as error:
                self.read(monkeypatch, *paths)
            assert line in str(error.value)
            assert "\n" not in str(error.value)

    def test_where_there_is_no_tls(self, monkeypatch: Any, authority: Authority) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"^CA is set, so HOST must be a host\.$"):
            self.read(monkeypatch, authority.file, "", "", unless="HOST must be a host")
