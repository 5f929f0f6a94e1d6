"""Files of certificates for TLS, as variables name them: right, or one line says why not."""

from __future__ import annotations

import os
import ssl
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

from .environment import text, wrong


class Certificates(NamedTuple):
    """Paths; "" for what no variable names."""

    authorities: str = ""  # whose certificates are believed, in place of the system's
    certificate: str = ""  # what this site shows a server that asks who it is
    key: str = ""  # of that certificate

    def for_redis(self) -> dict[str, str]:
        """As redis-py calls them."""
        names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
        return {name: path for name, path in zip(names, self, strict=True) if path}

    def for_mysql(self) -> dict[str, object]:
        """As mysqlclient calls them, over MySQL's library and MariaDB's: nothing without TLS.

        VERIFY_IDENTITY checks the name in the server's certificate, too. A lesser mode, but for
        VERIFY_CA, hands the password to whoever answers.
        """
        if not self.authorities:
            return {}
        files = {name: path for name, path in zip(("ca", "cert", "key"), self, strict=True) if path}
        return {"ssl": files, "ssl_mode": "VERIFY_IDENTITY"}


def certificates(authorities: str, certificate: str, key: str, *, unless: str) -> Certificates:
    """The files that these variables name. `unless` says what TLS wants, "" where it has that.

    Raises ImproperlyConfigured.
    """
    names = (authorities, certificate, key)
    found = Certificates(*(text(name, "") for name in names))
    for name, path in zip(names, found, strict=True):
        if path and unless:
            raise ImproperlyConfigured(f"{name} is set, so {unless}.")
        if path and not os.access(path, os.R_OK):
            raise wrong(name, "a file that is there and may be read")
    if bool(found.certificate) != bool(found.key):
        there, missing = (certificate, key) if found.certificate else (key, certificate)
        raise ImproperlyConfigured(f"{there} is set, so {missing} must be too: they are a pair.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if found.authorities:
        try:
            context.load_verify_locations(found.authorities)
        except OSError:  # ssl.SSLError is one
            raise wrong(authorities, "a file of certificates in PEM") from None
    if found.certificate:
        try:
            # Without an answer to its question for a passphrase OpenSSL asks the terminal.
            context.load_cert_chain(found.certificate, found.key, password=lambda: b"")
        except OSError:
            rule = f"the key, in PEM and without a passphrase, of the certificate in {certificate}"
            raise wrong(key, rule) from None
    return found
