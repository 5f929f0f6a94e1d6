"""The environment, right and wrong: one line that names the variable, never a traceback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from planetsite.environment import VARIABLES
from tests.support.servers import Redis

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "ENV_FILE": "/dev/null",
    "SECRET_KEY": "kJ8-vQ2_mXw7Rz4LpTn6YbHc3GdFs9AeUiOjKqWxZyVtBnMlPr5S",
    "ALLOWED_HOSTS": "planets.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://planets.example.org",
    "REDIS_URL": "rediss://cache.example.org:6379/0",
    "REDIS_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt",
    "DB_HOST": "db.example.org",
    "DB_USER": "admin",
    "DB_PASS": "secret",
    "DB_NAME": "tutorial",
}

GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:planetsite.gunicorn"]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )


def read(*names: str, **environment: str) -> list[Any]:
    """Settings as a process with just this environment has them."""
    code = (
        "import json; from django.conf import settings; "
        f"print(json.dumps([getattr(settings, name, None) for name in {names!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "planetsite.settings", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.mysql
def test_a_production_environment_is_clean() -> None:
    # The checks of a deployment ask Redis, too, so it must be there and set up well.
    with Redis(**cast(Any, {"maxmemory": "64mb", "maxmemory-policy": "volatile-lfu"})) as redis:
        there = {"REDIS_URL": redis.url, "REDIS_CA_CERTS": ""}
        done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | there)
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "System check identified no issues (1 silenced).",  # that HSTS asks for no preload
    ), done.stderr


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            {"SECRET_KEY": ""},
            "SECRET_KEY is not set: sessions are signed with it. See .env.example.",
        ),
        ({"REDIS_URL": ""}, "REDIS_URL is not set: the address of Redis"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL must be redis://host:port/number"),
        (
            {"REDIS_URL": "redis://:secret@h:99999/0"},
            "REDIS_URL names 'h' as a host, must be host:",
        ),
        ({"DB_USER": ""}, "DB_USER is not set: DB_HOST is, so this must be too."),
        ({"DB_NAME": ""}, "DB_NAME is not set"),
        ({"DB_PORT": "mysql"}, "DB_PORT is 'mysql', must be a number from 1 to 65535."),
        ({"DB_PORT": "0"}, "DB_PORT is '0', must be"),
        ({"DB_PORT": "3306.5"}, "DB_PORT is '3306.5', must be a whole number."),
        ({"DB_TIMEOUT": "30s"}, "DB_TIMEOUT is '30s', must be a number from 0 to 3600."),
        ({"DB_TIMEOUT": "0.5"}, "DB_TIMEOUT is '0.5', must be a whole number."),
        ({"REDIS_CA_CERTS": "/no/file"}, "REDIS_CA_CERTS is '/no/file', must be a file"),
        ({"DB_CA_CERTS": "/no/file"}, "DB_CA_CERTS is '/no/file', must be a file"),
        (
            {"REDIS_URL": "redis://h:6379/0"},
            "REDIS_CA_CERTS is set, so REDIS_URL must be rediss://, which is TLS.",
        ),
        ({"ALLOWED_HOSTS": "https://x.org"}, "ALLOWED_HOSTS is 'https://x.org', must be names"),
        ({"ENV_FILE": "/no/file"}, "ENV_FILE is '/no/file', must be a file that is there."),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe', must be on or off."),
        ({"HTTPS": "2"}, "HTTPS is '2', must be on or off."),
        ({"CACHE_TTL": "0"}, "CACHE_TTL is '0', must be a number from 1 to 604800."),
        ({"CACHE_TTL": "5m"}, "CACHE_TTL is '5m', must be a number"),
        ({"CSRF_TRUSTED_ORIGINS": "x.org"}, "CSRF_TRUSTED_ORIGINS is 'x.org', must be origins"),
        ({"CSRF_TRUSTED_ORIGINS": "https://"}, "CSRF_TRUSTED_ORIGINS is 'https://', must be"),
        ({"CSRF_TRUSTED_ORIGINS": "https://[::1"}, "CSRF_TRUSTED_ORIGINS is 'https://[::1', must"),
        ({"BEHIND_TLS_PROXY": "nginx"}, "BEHIND_TLS_PROXY is 'nginx', must be on or off."),
    ],
)
@pytest.mark.parametrize("program", ["manage", "wsgi", "asgi"])
def test_what_is_wrong_is_one_line(program: str, wrong: dict[str, str], line: str) -> None:
    environment = {**PRODUCTION, **wrong}
    if program == "manage":
        done = manage("check", **environment)
    else:
        done = subprocess.run(
            [sys.executable, "-c", f"import planetsite.{program}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
    # 3 tells gunicorn that a new worker would not fare better.
    assert done.returncode == (1 if program == "manage" else 3)
    assert done.stderr.startswith(f"Configuration: {line}")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_the_tutorials_variables_are_enough_with_a_secret_key() -> None:
    ((database,), caches, debug, https) = (
        [read("DATABASES", **PRODUCTION)[0]["default"]],
        *read("CACHES", "DEBUG", "SECURE_SSL_REDIRECT", **PRODUCTION),
    )
    assert database["ENGINE"] == "planetsite.mysql"
    assert [database[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")] == [
        "db.example.org",
        "3306",
        "admin",
        "secret",
        "tutorial",
    ]
    assert database["OPTIONS"]["isolation_level"] == "read committed"
    assert database["OPTIONS"]["charset"] == "utf8mb4"
    assert caches["default"]["LOCATION"] == ["rediss://cache.example.org:6379/0"]
    assert caches["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"] == {
        "ssl_ca_certs": "/etc/ssl/certs/ca-certificates.crt"
    }
    assert "ssl" not in database["OPTIONS"]
    assert (debug, https) == (False, True)


def test_development_needs_nothing_but_debug() -> None:
    names = ("DATABASES", "CACHES", "SECURE_SSL_REDIRECT", "INSTALLED_APPS", "CACHE_ASIDE")
    databases, caches, https, apps, aside = read(*names, DEBUG="on", ENV_FILE="/dev/null")
    assert databases["default"]["NAME"] == str(ROOT / "db.sqlite3")
    assert (caches["default"]["LOCATION"], https) == (["redis://127.0.0.1:6379/0"], False)
    assert (aside["TTL"], aside["NEAR"], aside["TRACE"]) == (300, False, "")
    assert "debug_toolbar" in apps


def test_development_is_checked_clean() -> None:
    done = manage("check", "--fail-level", "WARNING", DEBUG="on", ENV_FILE="/dev/null")
    assert done.returncode == 0, done.stderr


def test_the_toolbar_is_there_in_debug_only() -> None:
    assert "debug_toolbar" not in str(read("INSTALLED_APPS", "MIDDLEWARE", **PRODUCTION))


def test_a_file_may_hold_the_variables_and_the_environment_rules(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("DEBUG=on\nCACHE_TTL=60\nREDIS_URL=redis://from-file:6379/1\n")
    where = {"ENV_FILE": str(tmp_path / "env")}
    aside, caches = read("CACHE_ASIDE", "CACHES", CACHE_TTL="7", **where)
    assert (aside["TTL"], caches["default"]["LOCATION"]) == (7, ["redis://from-file:6379/1"])


def test_gunicorn_ends_where_the_configuration_is_wrong() -> None:
    done = subprocess.run(
        [*GUNICORN, "planetsite.wsgi"],
        cwd=ROOT,
        env={**PRODUCTION, "BIND": "127.0.0.1:0", "WORKERS": "1", "SECRET_KEY": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert "\nConfiguration: SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_number_of_workers_is_one_line() -> None:
    done = subprocess.run(
        [*GUNICORN, "planetsite.wsgi"],
        cwd=ROOT,
        env={**PRODUCTION, "WORKERS": "many"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == "Configuration: WORKERS is 'many', must be a number from 1 to 100.\n"


def test_a_value_may_begin_with_a_dollar() -> None:
    assert read("SECRET_KEY", **PRODUCTION | {"SECRET_KEY": "$a$b"}) == ["$a$b"]


@pytest.mark.parametrize("debug", ["on", "off"])
def test_an_error_is_logged_once_in_one_line(debug: str) -> None:
    code = (
        "import django, logging; django.setup(); log = logging.getLogger; "
        "log('django.request').error('a view failed'); log('planets.cache').info('away')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**PRODUCTION, "DJANGO_SETTINGS_MODULE": "planetsite.settings", "DEBUG": debug},
        capture_output=True,
        text=True,
        check=True,
    )
    failed, away = done.stderr.splitlines()
    assert failed.endswith("ERROR django.request: a view failed")
    assert away.endswith("INFO planets.cache: away")


def test_a_proxy_is_trusted_only_where_it_is_said_to_be_there() -> None:
    assert read("SECURE_PROXY_SSL_HEADER", **PRODUCTION) == [None]
    assert read("SECURE_PROXY_SSL_HEADER", BEHIND_TLS_PROXY="on", **PRODUCTION) == [
        ["HTTP_X_FORWARDED_PROTO", "https"]
    ]


def test_every_variable_that_is_read_is_explained() -> None:
    readers = [ROOT / "planetsite" / name for name in ("settings.py", "gunicorn.py")]
    source = "".join(path.read_text() for path in readers)
    names = set(re.findall(r'\b[a-z_]+\(\s*"([A-Z_]+)"', source))
    explained = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert explained == set(VARIABLES)
    assert names - {"ENV_FILE"} <= explained
    assert not [name for name in VARIABLES if f'"{name}"' not in source]
