"""nginx before the site, by the example of the docs; the system's, or Debian's, only unpacked."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .servers import NotInstalled, Server, accepts, find_binary, free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "nginx.conf"
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ }}
http {{
    access_log off;
    {paths}
    include {folder}/planets.conf;
}}
"""
# Where it would write into the system's folders.
PATHS = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")


def binary(folder: Path) -> str:
    """nginx. To install it would start one for the whole machine, so it is unpacked."""
    try:
        return find_binary("nginx")
    except NotInstalled:
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            pytest.skip("nginx is not on PATH, and there is no Debian to have it from")
    fetched = subprocess.run(["apt-get", "download", "nginx"], cwd=folder, capture_output=True)
    if fetched.returncode:
        pytest.skip("nginx is not on PATH, and apt-get has none to download")
    subprocess.run(["dpkg", "-x", next(folder.glob("nginx_*.deb")), folder], check=True)
    return str(folder / "usr" / "sbin" / "nginx")


class Nginx(Server):
    """The example, on ports of loopback, with another upstream and another certificate."""

    def __init__(
        self, upstream: int, certificate: str, key: str, *changes: tuple[str, str]
    ) -> None:
        super().__init__()
        self.port, self.plain_port = free_port(), free_port()
        text = EXAMPLE.read_text()
        for old, new in (
            ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("listen 80", f"listen 127.0.0.1:{self.plain_port}"),
            ("/etc/ssl/planets.pem", certificate),
            ("/etc/ssl/planets.key", key),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.directory / "planets.conf").write_text(text)
        paths = "".join(f"{name}_temp_path {self.directory}/{name};\n" for name in PATHS)
        user = "user root;" if Path("/proc/self").owner() == "root" else ""
        (self.directory / "nginx.conf").write_text(
            MAIN.format(folder=self.directory, paths=paths, user=user)
        )
        self.command = [binary(self.directory), "-c", str(self.directory / "nginx.conf")]
        self.spawn(self.command, lambda: accepts(self.port))

    def judged(self) -> str:
        """What it says of its configuration itself."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True)
        return re.sub(r"^nginx: ", "", done.stderr, flags=re.M)
