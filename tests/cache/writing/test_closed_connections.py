"""What fails on a connection that is closed, fails in Django's words, not in the driver's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


# update() and count() close their cursor first, which mysqlclient refuses in its own words.
WAYS: dict[str, Callable[[], Any]] = {
    "create": lambda: Star.objects.create(name="Altair"),
    "raw write": lambda: raw("UPDATE star SET mass = 1"),
    "raw read": lambda: raw("SELECT 1 FROM star"),
    "not understood": lambda: raw("BACKUP STAGE START"),
}


@transaction.atomic()
def after_a_close(way: Callable[[], Any]) -> None:
    Star.objects.create(name="Deneb")
    connection.close()
    way()


@pytest.mark.mysql
@pytest.mark.parametrize("way", WAYS)
def test_after_a_close_in_a_transaction_nothing_runs(way: str) -> None:
    with pytest.raises(TransactionManagementError, match="current transaction"):
        after_a_close(WAYS[way])
    assert not Star.objects.filter(name="Deneb").exists()
