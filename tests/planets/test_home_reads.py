"""The home page asks for each thing once."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.events import Fetch

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("address", "reads"),
    [
        *(("/", 2), ("/?sort=position", 2), ("/?order=asc&q=", 2), ("/?sort=nonsense", 2)),
        *(("/?kind=gas-giant", 3), ("/?q=ar", 3), ("/?order=desc", 3), ("/?sort=name", 3)),
    ],
)
def test_no_key_is_fetched_twice(
    redis: Any, client: Any, events: list[Fetch], address: str, reads: int
) -> None:
    assert client.get(address).status_code == 200
    keys = [event.key for event in events if event.kind == "sql"]
    assert len(keys) == len(set(keys)) == reads
