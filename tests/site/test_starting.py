"""What is wrong at the start is one line, with the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
SITE = {
    "PATH": "/usr/bin:/bin",
    "ENV_FILE": "/dev/null",
    "SECRET_KEY": "kJ8-vQ2_mXw7Rz4LpTn6YbHc3GdFs9AeUiOjKqWxZyVtBnMlPr5S",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**SITE, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_a_site_without_hosts_does_not_start(server: str) -> None:
    done = run("-c", f"import planetsite.{server}")
    assert done.returncode == 3
    assert done.stderr.startswith("Configuration: ALLOWED_HOSTS is not set: name the hosts")
    assert done.stderr.count("\n") == 1


def test_nor_does_one_whose_static_files_are_not_collected(tmp_path: Path) -> None:
    code = (
        "from django.conf import settings; "
        f"settings.STATIC_ROOT = {str(tmp_path)!r}; import planetsite.wsgi"
    )
    done = run("-c", code, ALLOWED_HOSTS="127.0.0.1", DJANGO_SETTINGS_MODULE="planetsite.settings")
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("Configuration: The static files are not collected")
    assert done.stderr.count("\n") == 1


def test_a_command_without_its_database_is_one_line() -> None:
    at = {"DB_HOST": "127.0.0.1", "DB_PORT": "1", "DB_USER": "x", "DB_NAME": "x"}
    done = run("manage.py", "migrate", **at)
    assert done.returncode == 1
    assert done.stderr.startswith("The database is not reachable: (200")
    assert done.stderr.count("\n") == 1


def test_the_page_of_an_error_needs_no_list_of_static_files(settings: object) -> None:
    from django.template.loader import render_to_string
    from django.test import override_settings

    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    with override_settings(STORAGES={"staticfiles": {"BACKEND": manifest}}, STATIC_ROOT="/nowhere"):
        assert "Something broke on our side" in render_to_string("500.html")
