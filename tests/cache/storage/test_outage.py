"""No outage of Redis fails a page, and none is waited for more than a moment."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planets.cache.conf import conf
from planets.cache.events import Fetch
from planets.cache.storage.client import Unavailable, client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.outage import use
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def answers_are_right() -> None:
    electra = star(3)
    assert electra
    assert electra.name == Star.objects.get(pk=3).name
    assert star(99) is None
    assert Star.objects.cached().count() == 8
    assert len(Star.objects.cached().prefetch_related("comets")) == 8


def test_a_stopped_redis_is_soon_left_alone_and_found_again(
    own: Redis, events: list[Fetch], round_trips: list[list[str]], caplog: Any
) -> None:
    answers_are_right()
    with caplog.at_level(logging.WARNING, "planets.cache.storage.absence"):
        own.stop()
        for _ in range(3):
            answers_are_right()
        assert client.away
        mine = [trip for trip in round_trips if trip[0] != "PING"]
        for _ in range(5):
            answers_are_right()
        assert [trip for trip in round_trips if trip[0] != "PING"] == mine
        assert events[-1].reason == "Redis is away"

        own.start()
        wait_until(lambda: not client.away)
    events.clear()
    answers_are_right()
    events.clear()
    answers_are_right()
    assert {event.outcome for event in events} == {"hit"}
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "Redis is left alone",
        "Redis is back",
    ]


def test_a_silent_redis_is_waited_for_three_times_and_no_more(
    own: Redis, round_trips: list[list[str]]
) -> None:
    answers_are_right()
    round_trips.clear()
    own.pause()
    for _ in range(5):
        answers_are_right()
    # Each of these ran into the socket's timeout; after that nobody asks but the recovery.
    assert len([trip for trip in round_trips if trip[0] != "PING"]) == conf().BREAKER_FAILURES
    own.resume()
    wait_until(lambda: not client.away)
    answers_are_right()


def test_a_restart_between_two_requests_is_not_noticed(own: Redis, events: list[Fetch]) -> None:
    answers_are_right()
    own.restart()
    events.clear()
    answers_are_right()
    assert {event.outcome for event in events} == {"miss"}
    events.clear()
    answers_are_right()
    assert {event.outcome for event in events} == {"hit"}


def test_a_full_redis_still_serves_and_still_invalidates(own: Redis, events: list[Fetch]) -> None:
    answers_are_right()
    with own.client() as direct:
        direct.config_set("maxmemory-policy", "noeviction")
        direct.config_set("maxmemory", "1")
        events.clear()
        answers_are_right()
        assert {event.outcome for event in events} == {"hit"}
        Star.objects.filter(pk=3).update(name="Taygeta")
        answers_are_right()
        assert [event for event in events if event.reason.startswith("not stored")]
        assert not direct.exists("star:3")
    assert not client.away


def test_a_read_only_replica_serves_until_somebody_writes(own: Redis, events: list[Fetch]) -> None:
    answers_are_right()
    with own.client() as direct:
        direct.replicaof("127.0.0.1", 1)
        events.clear()
        answers_are_right()
        assert {event.outcome for event in events} == {"hit"}
        # What it cannot forget it must not be asked for.
        Star.objects.filter(pk=3).update(name="Taygeta")
        assert client.away
        assert client.debt
        answers_are_right()
        direct.replicaof("NO", "ONE")
    wait_until(lambda: not client.away)
    assert client.debt == 0
    answers_are_right()


def test_a_password_that_is_asked_for_and_not_given(own: Redis, settings: Any) -> None:
    with Redis(requirepass="secret") as locked:
        use(settings, f"unix://{locked.socket}?db=0")
        for _ in range(3):
            answers_are_right()
        assert client.away
        use(settings, own.url)


def test_a_password_that_is_given(own: Redis, settings: Any, events: list[Fetch]) -> None:
    with Redis(requirepass="secret") as locked:
        use(settings, locked.url)
        answers_are_right()
        answers_are_right()
        assert events[-1].outcome == "hit"
        use(settings, own.url)


@pytest.fixture
def liar(own: Redis, settings: Any) -> Iterator[Callable[[bytes], None]]:
    """A server that answers all with the same bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(answer: bytes) -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        def lie(answer: bytes) -> None:
            threading.Thread(target=serve, args=[answer], daemon=True).start()
            use(settings, f"redis://127.0.0.1:{listener.getsockname()[1]}/0?protocol=2")

        yield lie
        listener.shutdown(socket.SHUT_RDWR)
        use(settings, own.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"$100\r\nhalf of a rep",
        b"*2\r\n$1\r\na\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-MISCONF Redis is configured to save RDB snapshots\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        b"\x00" * 100,
    ],
)
def test_a_reply_that_ends_half_way_or_is_none(
    liar: Callable[[bytes], None], answer: bytes
) -> None:
    liar(answer)
    for _ in range(3):
        answers_are_right()


def test_a_caller_is_told_what_happened(own: Redis) -> None:
    own.stop()
    with pytest.raises(Unavailable, match=r"socket|file|Connection"):
        client.call(("PING",))
