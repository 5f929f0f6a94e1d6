"""The project that docs/own-project.md describes, with the wheel in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from .program import ROOT, Program

# What a project has before it reads the docs.
BEFORE = {
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
""",
    "shop/settings.py": """
import json, os, sys
SECRET_KEY, DEBUG, ROOT_URLCONF, STATIC_URL = "only-for-tests", True, "shop.urls", "static/"
INTERNAL_IPS = ["127.0.0.1"]
DJANGO = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
INSTALLED_APPS = ["atlas", *(f"django.contrib.{name}" for name in DJANGO)]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
CONTEXT = ["template.context_processors.request", "contrib.auth.context_processors.auth",
           "contrib.messages.context_processors.messages"]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [f"django.{name}" for name in CONTEXT]},
}]
DATABASES = {"default": json.loads(os.environ["SHOP_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "shop/urls.py": """
from atlas import views
from django.contrib import admin
from django.urls import path
urlpatterns = [path("cities/<int:pk>/", views.city), path("admin/", admin.site.urls)]
""",
    "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n",
    "shop/__init__.py": "",
    "atlas/__init__.py": "",
}
# Two processes meet at a name, each saying who it is and waiting for the other.
MEETING = """
import os
import redis
from atlas.models import City
from cache_aside.testing import assert_cached

def meet(where, me, other):
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as plain:
        plain.rpush(f"{where}:{me}", "here")
        assert plain.blpop([f"{where}:{other}"], timeout=60), f"{other} did not come"

def see_only_ones_own(me, other):
    City.objects.create(pk=1, name=me)
    meet("created", me, other)
    City.records.get(1)
    len(City.objects.cached())
    meet("filled", me, other)
    with assert_cached():
        assert City.records.get(1).name == me
        assert [city.name for city in City.objects.cached()] == [me]
    meet("done", me, other)
"""
IN_TWO_WORKERS = """
import os
import pytest
from atlas.meeting import see_only_ones_own

@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_see_each_other(cache_aside_isolated):
    me = os.environ["PYTEST_XDIST_WORKER"]
    see_only_ones_own(me, {"gw0": "gw1", "gw1": "gw0"}[me])
"""
IN_TWO_PROCESSES = """
from atlas.meeting import see_only_ones_own
from cache_aside.testing import IsolatedCache
from django.test import TransactionTestCase

class First(IsolatedCache, TransactionTestCase):
    def test_it(self):
        see_only_ones_own("first", "second")

class Second(IsolatedCache, TransactionTestCase):
    def test_it(self):
        see_only_ones_own("second", "first")
"""


class Done(NamedTuple):
    status: int
    out: str
    error: str


class Shop(NamedTuple):
    """The project, the Python that it runs on, and its database, on SQLite at first."""

    folder: Path
    python: str
    database: dict[str, Any]

    def run(self, *arguments: str, **environment: str) -> Done:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={**os.environ, **self._environment(), **environment},
            capture_output=True,
            text=True,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def manage(self, *arguments: str, **environment: str) -> Done:
        return self.run("manage.py", *arguments, **environment)

    def program(self) -> Program:
        return Program(python=self.python, folder=self.folder, **self._environment())

    def _environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "SHOP_DATABASE": json.dumps(self.database),
        }


def blocks() -> Iterator[tuple[str, str]]:
    """The code of the docs, by the file that its first line names."""
    text = (ROOT / "docs" / "own-project.md").read_text()
    yield from re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, re.S)


def build(folder: Path) -> Shop:
    """The project in a folder, with the wheel installed and nothing of this checkout."""
    install(folder)
    files = dict(BEFORE)
    for path, code in blocks():
        files[path] = files.get(path, "") + code
    files["atlas/meeting.py"] = MEETING
    files["atlas/test_workers.py"] = IN_TWO_WORKERS
    files["atlas/tests_of_processes.py"] = IN_TWO_PROCESSES
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    lite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
    shop = Shop(folder, python(folder), lite)
    done = shop.manage("makemigrations", "atlas")
    assert done.status == 0, done.error
    return shop


def python(folder: Path) -> str:
    return str(folder / ".venv" / "bin" / "python")


def install(folder: Path) -> None:
    """Build the wheel and install it, with what the project uses of its extras, all but `lab`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder / "dist"), str(ROOT)]
    subprocess.run(wheel, check=True)
    (built,) = (folder / "dist").iterdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    # The versions that this run is about, and for mysqlclient what pip has built before.
    pins = folder / "pins.txt"
    pins.write_text("".join(f"{d.name}=={d.version}\n" for d in metadata.distributions()))
    install = [*pip, "--python", python(folder), "install", "--constraint", str(pins)]
    wanted = [f"{built}[mysql,toolbar,metrics]", "pytest", "pytest-django", "pytest-xdist"]
    subprocess.run([*install, *wanted], check=True)
