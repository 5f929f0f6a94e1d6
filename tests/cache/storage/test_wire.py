"""Connections are kept between round trips, never longer than they are good, never all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from planets.cache.storage.wire import Wire

MOST = 8


def heard(answer: Any) -> None:
    """What a server says of itself is not what these tests are about."""


@pytest.fixture
def server(redis: Any) -> Iterator[redis_py.Redis]:
    """A client with a pool of its own."""
    pool = redis_py.ConnectionPool.from_url(os.environ["REDIS_URL"], max_connections=MOST)
    with redis_py.Redis(connection_pool=pool) as client:
        yield client
    pool.disconnect()


@pytest.fixture
def wire(server: redis_py.Redis) -> Iterator[Wire]:
    """A wire that greets by counting greetings."""
    made = Wire(server, lambda new: ("INCR", "greetings") if new else ("PING",), heard)
    yield made
    made.close()


def connection_id(wire: Wire) -> int:
    (number,) = wire.exchange([("CLIENT", "ID")])
    return int(number)


def test_a_connection_is_kept_and_its_server_greeted_once(redis: Any, wire: Wire) -> None:
    assert len({connection_id(wire) for _ in range(5)}) == 1
    assert redis.get("greetings") == "1"


def test_an_error_is_a_reply_and_the_connection_goes_on(redis: Any, wire: Wire) -> None:
    redis.set("text", "x")
    first = connection_id(wire)
    ping, error, text = wire.exchange([("PING",), ("HGETALL", "text"), ("GET", "text")])
    assert (ping, text) == (b"PONG", b"x")
    assert isinstance(error, ResponseError)
    assert str(error).startswith("WRONGTYPE")
    assert connection_id(wire) == first


def test_one_that_the_server_closed_is_replaced_and_greeted(redis: Any, wire: Wire) -> None:
    first = connection_id(wire)
    redis.client_kill_filter(_id=first)
    assert connection_id(wire) != first
    assert redis.get("greetings") == "2"


def test_one_that_redis_py_connects_again_is_greeted(redis: Any, wire: Wire) -> None:
    connection_id(wire)
    (line,) = wire._idle
    line.connection.disconnect()
    connection_id(wire)
    assert redis.get("greetings") == "2"


def test_one_that_is_made_anew_in_mid_call_is_not_believed(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id(wire)
    (line,) = wire._idle
    send = line.connection.send_packed_command

    def reconnecting(command: Any, **options: Any) -> None:
        if not options:  # it is our call, not redis-py's own greeting
            line.connection.disconnect()
            line.connection.connect()
        send(command, **options)

    monkeypatch.setattr(line.connection, "send_packed_command", reconnecting)
    with pytest.raises(RedisConnectionError, match="made anew in mid-call"):
        wire.exchange([("PING",)])
    assert wire._idle == []


@pytest.mark.parametrize("where", ["can_read", "send_packed_command", "read_response"])
def test_one_that_is_interrupted_is_given_back_and_closed(
    server: redis_py.Redis, wire: Wire, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    first = connection_id(wire)
    (line,) = wire._idle

    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(line.connection, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            wire.exchange([("PING",)])
    assert not server.connection_pool._in_use_connections
    assert connection_id(wire) != first


def test_a_refused_greeting_is_an_error(server: redis_py.Redis) -> None:
    with pytest.raises(ResponseError, match="unknown command"):
        Wire(server, lambda new: ("HELLO?",), heard).exchange([("PING",)])


def test_half_of_the_pool_is_left_to_others(server: redis_py.Redis, wire: Wire) -> None:
    together = threading.Barrier(MOST)
    taken: list[Any] = []

    def use() -> None:
        taken.append(wire._take())
        together.wait(timeout=10)

    threads = [threading.Thread(target=use) for _ in range(MOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in taken:
        wire._put(line)
    assert len(wire._idle) == MOST // 2
    others = [server.connection_pool.get_connection() for _ in range(MOST // 2)]
    for connection in others:
        server.connection_pool.release(connection)


def test_a_closed_wire_has_given_everything_back(server: redis_py.Redis) -> None:
    for _ in range(3 * MOST):
        wire = Wire(server, lambda new: ("PING",), heard)
        in_use = wire._take()
        wire.exchange([("PING",)])
        wire.close()
        wire._put(in_use)  # its call ended after that
    assert not server.connection_pool._in_use_connections
