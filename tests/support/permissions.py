"""What the docs say that a user of Redis must be allowed."""

from __future__ import annotations

import re
from pathlib import Path

from planets.cache.storage import keys

from .servers import Redis

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def told_by_the_docs() -> list[str]:
    """The rules, with the patterns of all records that the tests declare."""
    found = re.search(r"```\nACL SETUSER site (.*?)```", DOCS.read_text(), re.S)
    assert found
    records = " ".join(f"~{names.prefix}:*" for names in keys.RECORDS.values())
    return found[1].replace("~planet:*", records).split()


def of_a_cluster() -> list[str]:
    """The rules that the docs add for each node of a cluster."""
    found = re.search(r"^`(\+cluster[^`]*)`", DOCS.read_text(), re.M)
    assert found
    return found[1].split()


def permit(server: Redis, rules: list[str]) -> str:
    """The address for a user who may do that, and nothing else."""
    with server.client() as direct:
        direct.execute_command("ACL", "SETUSER", "site", "reset", *rules)
    return f"unix://site:password@{server.socket}?db=1"
