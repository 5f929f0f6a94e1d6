"""TLS to the database: what OPTIONS says to mysqlclient, in the words of pymysql."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

VERIFY_IDENTITY, VERIFY_CA, REQUIRED = "VERIFY_IDENTITY", "VERIFY_CA", "REQUIRED"


def tls(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """None where it demands none.

    Files without a mode are taken for VERIFY_IDENTITY: MySQL's library would verify less with them,
    MariaDB's nothing.
    """
    given, mode = options.get("ssl"), options.get("ssl_mode")
    files = given if isinstance(given, Mapping) else {}
    if given and not mode:
        mode = VERIFY_IDENTITY if files else REQUIRED  # ssl=True is mysqlclient's word for it
    if mode not in (VERIFY_IDENTITY, VERIFY_CA, REQUIRED):
        return None
    context = ssl.create_default_context(cafile=files.get("ca"), capath=files.get("capath"))
    # The authority that a MySQL makes for itself does not keep to the letter.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == VERIFY_IDENTITY
    if mode == REQUIRED:
        context.verify_mode = ssl.CERT_NONE
    if cipher := files.get("cipher"):
        context.set_ciphers(cipher)
    if certificate := files.get("cert"):
        context.load_cert_chain(certificate, files.get("key"))
    return context
