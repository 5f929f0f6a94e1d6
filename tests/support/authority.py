"""A certificate authority of a test's own, by openssl, for servers and their clients."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


class Authority:
    """`file` is its own certificate; those that it issues lie beside it."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.pem"
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", self.key(name), "-out", self.file),
        )

    def issue(self, name: str, address: str = "127.0.0.1") -> tuple[str, str]:
        """The files of a certificate for that address, and of its key."""
        certificate, request = self.folder / f"{name}.pem", self.folder / f"{name}.csr"
        openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}"),
            *("-keyout", self.key(name), "-out", request),
        )
        openssl(
            *("x509", "-req", "-in", request, "-copy_extensions", "copy", "-days", "2"),
            *("-CA", self.file, "-CAkey", self.key(self.name), "-CAcreateserial"),
            *("-out", certificate),
        )
        return str(certificate), str(self.key(name))

    def protected(self, name: str, passphrase: str) -> str:
        """The key of that certificate once more, behind a passphrase."""
        file = self.folder / f"{name}-protected.key"
        into = ("-aes256", "-passout", f"pass:{passphrase}", "-out", file)
        openssl("pkey", "-in", self.key(name), *into)
        return str(file)

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def openssl(*arguments: Any) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
