"""What is posted is done, nobody waits for it, and its replies are never taken for another's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from planets.cache.storage.wire import Wire


@pytest.fixture
def server(redis: Any) -> Iterator[redis_py.Redis]:
    """A client with a pool of its own."""
    pool = redis_py.ConnectionPool.from_url(
        os.environ["REDIS_URL"], max_connections=8, socket_timeout=0.25
    )
    with redis_py.Redis(connection_pool=pool) as client:
        yield client
    pool.disconnect()


@pytest.fixture
def wire(server: redis_py.Redis) -> Iterator[Wire]:
    made = Wire(server, lambda new: ("PING",), lambda answer: None)
    made.exchange([("PING",)])
    yield made
    made.close()


@pytest.fixture
def told() -> list[Any]:
    """What was heard of what was posted."""
    return []


@pytest.fixture
def silent(redis: Any, wire: Wire) -> Iterator[Any]:
    """A server that executes no write for now; reads it answers."""
    redis.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
    yield redis
    redis.execute_command("CLIENT", "UNPAUSE")


def test_it_is_done_and_heard_by_the_next_one(redis: Any, wire: Wire, told: list[Any]) -> None:
    wire.post([("SET", "a", "1"), ("GET", "a")], told.append)
    assert told == []
    assert wire.exchange([("GET", "a")]) == [b"1"]
    assert told == [[b"OK", b"1"]]
    assert wire.exchange([("GET", "a")]) == [b"1"]
    assert len(told) == 1


def test_nobody_waits_for_it_and_the_next_one_reads_its_replies_first(
    silent: Any, wire: Wire, told: list[Any]
) -> None:
    wire.post([("SET", "a", "1")], told.append)
    (line,) = wire._idle
    assert line.posted
    assert told == []
    silent.execute_command("CLIENT", "UNPAUSE")
    assert wire.exchange([("GET", "a")]) == [b"1"]
    assert told == [[b"OK"]]


def test_a_refusal_is_a_reply(redis: Any, wire: Wire, told: list[Any]) -> None:
    redis.set("text", "x")
    wire.post([("HSET", "text", "a", "1")], told.append)
    assert wire.exchange([("GET", "text")]) == [b"x"]
    ((error,),) = told
    assert isinstance(error, ResponseError)
    assert str(error).startswith("WRONGTYPE")


def test_a_second_one_on_the_same_connection_waits(
    silent: Any, wire: Wire, told: list[Any]
) -> None:
    wire.post([("SET", "a", "1")], told.append)
    with pytest.raises(RedisError, match="Timeout"):
        wire.post([("SET", "a", "2")], told.append)
    ((lost),) = told
    assert isinstance(lost, RedisConnectionError)
    assert wire._idle == []


def test_a_connection_that_the_server_closes_is_noticed(
    silent: Any, wire: Wire, told: list[Any]
) -> None:
    (number,) = wire.exchange([("CLIENT", "ID")])
    wire.post([("SET", "a", "1")], told.append)
    silent.client_kill_filter(_id=number)
    silent.execute_command("CLIENT", "UNPAUSE")
    assert wire.exchange([("PING",)]) == [b"PONG"]
    (lost,) = told
    assert isinstance(lost, RedisConnectionError)


def test_one_that_redis_py_connects_again_has_no_reply_to_it(
    silent: Any, wire: Wire, told: list[Any]
) -> None:
    wire.post([("SET", "a", "1")], told.append)
    (line,) = wire._idle
    line.connection.disconnect()
    silent.execute_command("CLIENT", "UNPAUSE")
    assert wire.exchange([("ECHO", "mine")]) == [b"mine"]
    (lost,) = told
    assert isinstance(lost, RedisConnectionError)


@pytest.mark.parametrize("end", ["close", "distrust"])
def test_who_leaves_the_connection_hears_that_it_is_lost(
    silent: Any, server: redis_py.Redis, wire: Wire, told: list[Any], end: str
) -> None:
    wire.post([("SET", "a", "1")], told.append)
    getattr(wire, end)()
    (lost,) = told
    assert isinstance(lost, RedisConnectionError)
    assert server.echo("mine") == b"mine"  # by the same pool, which lends no such connection


def test_who_has_to_greet_waits(server: redis_py.Redis, told: list[Any]) -> None:
    wire = Wire(server, lambda new: ("INCR", "greetings"), lambda answer: None)
    wire.post([("GET", "greetings")], told.append)
    assert told == [[b"1"]]
    wire.close()


def test_a_child_leaves_it_to_its_parent(redis: Any, wire: Wire, told: list[Any]) -> None:
    from planets.cache.storage.client import client

    client.call(("PING",))
    assert client.post([("SET", "a", "1")], told.append)
    if (child := os.fork()) == 0:
        answers = client.call(("ECHO", "child"))
        os._exit(0 if answers == [b"child"] and told == [] else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert client.call(("ECHO", "parent")) == [b"parent"]
    assert told == [[b"OK"]]
