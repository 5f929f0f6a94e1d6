"""The audit looks on at each race, and must see what is lost where a protection is switched off.

And a database with a binlog, for the races of its watcher.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.instruments.audit import Audit, Hit
from tests.support.interleave import elsewhere
from tests.support.primary import Primary
from tests.support.replicated import pair, servers  # noqa: F401  fixtures
from tests.support.watched import FLAVORS, primary, watched  # noqa: F401  a fixture

# Without its protection it serves nothing that is old; it serves too little.
NOT_STALE = {"test_r12_a_savepoint_is_rolled_back_and_the_rest_commits"}


@pytest.fixture
def audited(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Counter[str]]:
    """Every hit is audited at once, while whatever the test has forced still stands."""
    naive = getattr(request.node, "callspec", None) and request.node.callspec.params.get("naive")
    audit, outcomes = Audit(), Counter[str]()

    def judge(hit: Hit) -> None:
        outcomes[elsewhere(lambda: audit.judge(hit))] += 1

    monkeypatch.setattr(audit, "chooses", lambda: True)
    monkeypatch.setattr(audit, "put", judge)
    audit.start()
    yield outcomes
    audit.stop()
    if naive and request.node.originalname not in NOT_STALE:
        assert outcomes["stale"], outcomes
    else:
        assert not outcomes["stale"], outcomes


@pytest.fixture(scope="module", params=FLAVORS)
def server(request: Any, django_db_blocker: Any) -> Iterator[Primary]:
    # Written through to the disk: from the event to the commit it takes the longest then.
    with primary(request.param, django_db_blocker, sync_binlog=1) as started:
        yield started
