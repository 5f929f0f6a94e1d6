"""The docs say what a Redis user must be allowed, and that is enough."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import remember
from planets.cache.events import Fetch
from planets.cache.instruments import history
from planets.cache.storage.client import client
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.cache.zoo.models import Star
from tests.support.near import trusted
from tests.support.outage import use
from tests.support.permissions import told_by_the_docs
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def heaviest() -> float:
    return remember("heaviest", lambda: max(star.mass or 0 for star in Star.objects.all()))


def test_what_the_docs_permit_is_enough(
    own: Redis, settings: Any, events: list[Fetch], caplog: Any
) -> None:
    with own.client() as direct:
        direct.execute_command("ACL", "SETUSER", "site", *told_by_the_docs())
    use(settings, f"unix://site:password@{own.socket}?db=0")
    for near_tier in (False, True):
        settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "NEAR": near_tier, "HISTORY": 10}
        if near_tier:
            near.tracking.start()
            wait_until(trusted)
        rename(OLD)
        assert both() == both() == {OLD}
        assert heaviest() == heaviest() == 56.1
        rename()
        both()
        events.clear()
        assert both() == {NEW}
        assert {event.outcome for event in events} == {"hit"}
        history.teller.tell()
        assert history.history()[-1].fetches
        client.breaker.begin("a rehearsal is wanted")
        wait_until(lambda: not client.away)
    assert [line.split(":")[0] for line in caplog.messages if "alone" in line] == [
        "Redis is left alone",
        "Redis is left alone",
    ]
    settings.CACHE_ASIDE = {}
    wait_until(lambda: not trusted())
    use(settings, own.url)
