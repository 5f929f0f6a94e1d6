"""The examples of docs/deploying.md: all that can be run of them is run."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.image import ROOT, VENV, copied, final_steps, steps
from tests.support.primary import Primary
from tests.support.servers import Redis
from tests.support.watched import FLAVORS

pytestmark = pytest.mark.once

EXAMPLES = ROOT / "docs" / "examples"
UNITS = sorted([*EXAMPLES.glob("*.service"), *EXAMPLES.glob("*.timer")])


def test_every_example_is_explained() -> None:
    text = (ROOT / "docs" / "deploying.md").read_text()
    for example in EXAMPLES.iterdir():
        assert f"(examples/{example.name})" in text, example.name


# --- systemd


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not on PATH, as where there is no systemd")
    for unit in UNITS:
        text = unit.read_text().replace("/srv/planets/.venv", str(VENV))
        (tmp_path / unit.name).write_text(text.replace("/srv/planets", str(ROOT)))
    files = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run([analyze, "verify", "--man=no", *files], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", sorted(EXAMPLES.glob("*.service")), ids=lambda unit: unit.name)
def test_each_unit_starts_what_there_is(unit: Path) -> None:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(unit)
    service = parsed["Service"]
    program, *arguments = service["ExecStart"].split()
    assert (service["User"], service["EnvironmentFile"]) == ("planets", "/etc/planets.env")
    assert (VENV / program.removeprefix("/srv/planets/.venv/")).exists()
    if program.endswith("gunicorn"):
        assert " ".join(arguments) in (ROOT / "Makefile").read_text()
    else:
        assert arguments[0] == "manage.py"
        commands = subprocess.run(
            [sys.executable, "manage.py", "help", "--commands"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "planetsite.settings"},
            capture_output=True,
            text=True,
        ).stdout.split()
        assert arguments[1] in commands


# --- the image


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=f"{VENV / 'bin'}:{os.environ.get('PATH', '')}")
    if not hadolint:
        pytest.skip("hadolint has no package for this machine")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_but_what_is_copied_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*", "all that is not named is left out, .env and .git too"
    named = {line[1:] for line in ignored if line.startswith("!")}
    assert named == {source for *sources, _ in copied() for source in sources}


def test_the_image_is_built_of_what_the_makefile_names() -> None:
    needed = re.findall(r"apt-get install ([\w -]+), then rm", (ROOT / "Makefile").read_text())[0]
    installed = " ".join(step.rest for step in steps() if step.word == "RUN")
    for package in set(needed.split()) - {"python3-dev"}:  # the image's Python has its own
        assert package in installed
    version = re.findall(r"FROM python:(\S+)-slim", (ROOT / "Dockerfile").read_text())
    assert len(set(version)) == 1
    assert tuple(map(int, version[0].split("."))) >= (3, 11)


def test_it_is_not_root_and_holds_no_secret() -> None:
    user = [step.rest for step in final_steps() if step.word == "USER"]
    assert user == ["10001"]
    kept = " ".join(step.rest for step in steps() if step.word in ("ENV", "ARG"))
    assert not re.search("SECRET|PASS|TOKEN|REDIS_URL|DB_", kept)


# --- the parameter groups


def groups() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load((EXAMPLES / "parameter-groups.yaml").read_text())["Resources"]
    return {name: group["Properties"] for name, group in found.items()}


@pytest.mark.parametrize(
    ("group", "within"), [("Cache", "Properties"), ("DurableCache", "Parameters")]
)
def test_redis_takes_the_parameters(group: str, within: str) -> None:
    parameters = groups()[group][within]
    with Redis(**parameters) as server, server.client(decode_responses=True) as client:
        assert {name: client.config_get(name).get(name) for name in parameters} == parameters


# What MariaDB has no word for: it has GTIDs of its own, and annotates rows by itself.
ONLY_MYSQL = {"gtid_mode", "enforce_gtid_consistency", "binlog_rows_query_log_events"}


@pytest.mark.mysql
@pytest.mark.parametrize("flavor", FLAVORS)
def test_the_database_takes_the_parameters(flavor: str) -> None:
    given = groups()["Database"]["Parameters"]
    parameters = {name.replace("-", "_"): value for name, value in given.items()}
    if flavor == "mariadb":
        parameters = {name: parameters[name] for name in set(parameters) - ONLY_MYSQL}
    with Primary(flavor, **parameters) as server, server.client() as root:
        cursor = root.cursor()
        cursor.execute("SHOW GLOBAL VARIABLES")
        there = dict(cursor.fetchall())
    assert {name: there.get(name) for name in parameters} == parameters
