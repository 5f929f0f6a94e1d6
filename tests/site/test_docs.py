"""What the docs must not forget, and must not get wrong."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from planets.cache.conf import Conf

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for option in fields(Conf):
        assert f"`{option.name}`" in text, option.name


def test_every_command_is_in_the_docs() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for command in (ROOT / "planets" / "management" / "commands").glob("[a-z]*.py"):
        assert command.stem in text, command.stem


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_every_test_that_a_page_names_exists() -> None:
    source = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for page in PAGES:
        for name in re.findall(r"`(test_\w+)`", page.read_text()):
            assert f"def {name}(" in source or f"{name}.py" in source, (page.name, name)
