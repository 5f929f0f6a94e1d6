"""The near tier keeps a record by its key, which does not tell of which database or zone it is."""

from __future__ import annotations

import pytest
from django.db import connection

from planets.cache.events import Fetch
from tests.cache.zoo.models import Star
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis", "near_on"),
]


@pytest.mark.parametrize(("setting", "value"), [("TIME_ZONE", "Asia/Tokyo"), ("PORT", "1")])
def test_a_record_of_another_zone_or_server_is_no_near_hit(
    setting: str, value: str, monkeypatch: pytest.MonkeyPatch, events: list[Fetch]
) -> None:
    wait_until(lambda: Star.records.get(3) and events[-1].tier == "near")
    # As an alias would find it that names a database of the same name.
    monkeypatch.setitem(connection.settings_dict, setting, value)
    Star.records.get(3)
    assert (events[-1].outcome, events[-1].tier) == ("miss", "database")
