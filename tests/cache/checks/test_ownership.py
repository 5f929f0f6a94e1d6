"""`check --deploy` tells of another database of the same name."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.db import DEFAULT_DB_ALIAS

from planets.cache.checks.project import replicas
from planets.cache.storage import keys

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_redis_that_another_database_uses_is_an_error(redis: Any) -> None:
    owner = keys.owner(keys.database_gate(DEFAULT_DB_ALIAS))
    redis.set(owner, "0123456789abcdef", px=60_000)
    found = checks.run_checks(tags=["redis"], include_deployment_checks=True)
    (error,) = [message for message in found if message.id == "cache_aside.E009"]
    assert error.msg == "Redis is in use by another database of the same name."
    assert "PREFIX" in str(error.hint)
    assert "DATABASE_ID" in str(error.hint)
    assert redis.get(owner) == "0123456789abcdef"


@pytest.mark.parametrize(
    ("same_as", "why"),
    [
        ({"replica": "default"}, ""),
        ({"replica": "primary"}, "'primary' is no alias in DATABASES"),
        ({"reader": "default"}, "'reader' is no alias in DATABASES"),
        ({"second": "replica", "replica": "default"}, "that is a replica itself"),
    ],
)
def test_a_replica_has_a_primary(settings: Any, same_as: dict[str, str], why: str) -> None:
    settings.CACHE_ASIDE = {"SAME_AS": same_as}
    messages = list(replicas({"default": {}, "replica": {}, "second": {}}))
    assert [message.id for message in messages] == (["cache_aside.E011"] if why else [])
    assert why in "".join(message.msg for message in messages)
