"""What the watcher makes of the TLS options that mysqlclient has in OPTIONS."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from planets.cache.watching.tls import tls
from tests.support.authority import Authority

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("options", [{}, {"ssl": {}}, {"ssl_mode": "PREFERRED"}, {"ssl": None}])
def test_none_is_demanded(options: dict[str, Any]) -> None:
    assert tls(options) is None


@pytest.mark.parametrize(
    ("options", "verifies", "checks_name"),
    [
        ({"ssl": True}, ssl.CERT_NONE, False),
        ({"ssl_mode": "REQUIRED"}, ssl.CERT_NONE, False),
        ({"ssl_mode": "VERIFY_CA"}, ssl.CERT_REQUIRED, False),
        ({"ssl_mode": "VERIFY_IDENTITY"}, ssl.CERT_REQUIRED, True),
        ({"ssl": {"cipher": "HIGH"}}, ssl.CERT_REQUIRED, True),
    ],
)
def test_what_is_verified(
    options: dict[str, Any], verifies: ssl.VerifyMode, checks_name: bool
) -> None:
    context = tls(options)
    assert context
    assert (context.verify_mode, context.check_hostname) == (verifies, checks_name)
    assert context.cert_store_stats()["x509_ca"], "the system's authorities are believed"


@pytest.mark.parametrize("mode", ["", "VERIFY_CA", "VERIFY_IDENTITY"])
def test_only_the_named_authority_is_believed(authority: Authority, mode: str) -> None:
    certificate, key = authority.issue("client")
    files = {"ca": str(authority.file), "cert": certificate, "key": key}
    context = tls({"ssl": files, "ssl_mode": mode})
    assert context
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname == (mode != "VERIFY_CA")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tls({"ssl": {"ca": str(tmp_path / "ca.pem")}})
