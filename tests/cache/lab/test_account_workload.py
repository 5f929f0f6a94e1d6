"""What tune_cache replays where it is told to take the account."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from planets.cache.instruments.account import sharing
from planets.cache.instruments.account.ledger import Ledger
from planets.cache.instruments.account.listener import Listener
from planets.cache.lab.account_workload import from_account
from planets.cache.lab.workload import NoWorkload
from tests.cache.lab.traffic import Traffic
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def read(pk: int) -> Any:
    return list(Star.objects.cached().filter(position__gt=pk))


def rename() -> None:
    Star.objects.filter(pk=5).update(description="as before")


def test_each_call_is_a_read_and_each_write_takes_what_was_filled(listener: Listener) -> None:
    Traffic(read, range(2), 10, rename, 5, skew=0).run()
    assert listener.tell()

    workload = from_account(sharing.together(sharing.ledgers()), [100])

    assert workload.reads == 10
    assert len(workload.working_set) == 2
    assert sum(event.write for event in workload.events) == 4
    assert [e.at for e in workload.events] == sorted(e.at for e in workload.events)


def test_without_an_account_there_is_no_workload() -> None:
    with pytest.raises(NoWorkload, match="CACHE_ASIDE"):
        from_account(Ledger(), [100])


def test_tune_cache_says_that_it_has_none(redis: Any) -> None:
    with pytest.raises(CommandError, match="no call of a SELECT"):
        call_command("tune_cache", "--advice")


def test_tune_cache_takes_it(listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    Traffic(read, range(5), 200).run()
    assert listener.tell()

    call_command(
        "tune_cache", "--advice", "--memory=8mb", "--policies=allkeys-lru", "--ttl=300",
        "--format=json", verbosity=0,
    )  # fmt: skip

    found = json.loads(capsys.readouterr().out)
    assert found["source"].startswith("the account of this site")
    assert found["reads"] == 200
