"""Whatever lies under our keys is at worst a counted miss that heals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planets.cache import stats
from planets.cache.reading import codec, envelope
from planets.cache.storage import keys
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

MANY = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

GARBAGE = st.one_of(
    st.tuples(st.just("set"), st.binary(max_size=300)),
    st.tuples(st.just("hset"), st.dictionaries(st.binary(min_size=1), st.binary(), min_size=1)),
    st.tuples(st.just("rpush"), st.lists(st.binary(), min_size=1, max_size=3)),
    st.tuples(st.just("sadd"), st.lists(st.binary(), min_size=1, max_size=3)),
    st.tuples(st.just("huge"), st.integers(1, 4)),
    # What was there, bent a little: truncated, one byte changed, of another format.
    st.tuples(st.just("cut"), st.integers(0, 400)),
    st.tuples(st.just("flip"), st.tuples(st.integers(0, 400), st.integers(1, 255))),
    st.tuples(st.just("format"), st.integers(0, 255)),
)


def spoil(redis: Any, key: str, how: str, what: Any) -> None:
    redis = redis.client_of_bytes
    old = redis.get(key) if redis.type(key) == b"string" else b""
    if how in ("cut", "flip", "format") and redis.type(key) == b"hash":
        field = sorted(redis.hkeys(key))[0 if how == "format" else -1]
        value = bytearray(redis.hget(key, field) or b"?")
        at = (what if isinstance(what, int) else what[0]) % len(value)
        value = value[:at] if how == "cut" else value
        if how != "cut":
            value[at] ^= what[1] if isinstance(what, tuple) else 255
        redis.hset(key, field, bytes(value))
        return
    redis.delete(key)
    match how:
        case "set":
            redis.set(key, what)
        case "hset":
            redis.hset(key, mapping=what)
        case "rpush":
            redis.rpush(key, *what)
        case "sadd":
            redis.sadd(key, *what)
        case "huge":
            redis.set(key, b"\x02" + zstandard.compress(b"\0" * what * 2**20))
        case "cut":
            redis.set(key, old[:what])
        case "flip":
            data = bytearray(old or b"?")
            data[what[0] % len(data)] ^= what[1]
            redis.set(key, bytes(data))
        case "format":
            redis.set(key, bytes([what]) + old[1:])


@pytest.fixture
def bytes_too(redis: Any) -> Any:
    """The plain client, with a twin that does not decode what it reads."""
    import os

    from redis import Redis

    redis.client_of_bytes = Redis.from_url(os.environ["REDIS_URL"])
    return redis


@MANY
@given(garbage=GARBAGE)
def test_garbage_under_the_key_of_a_record(bytes_too: Any, garbage: tuple[str, Any]) -> None:
    truth = star(3)
    assert truth
    spoil(bytes_too, "star:3", *garbage)
    for _ in range(2):
        read = star(3)
        assert read
        assert (read.pk, read.name, read.mass) == (3, "Electra", truth.mass)
    assert bytes_too.hget("star:3", "name") == "Electra"
    assert bytes_too.ttl("star:3") > 0


@MANY
@given(garbage=GARBAGE)
def test_garbage_under_the_key_of_a_query(bytes_too: Any, garbage: tuple[str, Any]) -> None:
    truth = [p.name for p in Star.objects.cached().order_by("id")]
    (key,) = bytes_too.keys("sql:*")
    intact = bytes_too.client_of_bytes.get(key)
    spoil(bytes_too, key, *garbage)
    for _ in range(2):
        assert [p.name for p in Star.objects.cached().order_by("id")] == truth
    healed = bytes_too.client_of_bytes.get(key)
    assert len(healed) == len(intact)
    assert bytes_too.ttl(key) > 0 or healed == intact


@MANY
@given(garbage=GARBAGE, where=st.sampled_from(["gate", "rows", "everything", "lease", "sql lease"]))
def test_garbage_under_gates_and_leases(
    bytes_too: Any, garbage: tuple[str, Any], where: str
) -> None:
    bytes_too.flushdb()
    star(3)
    Star.objects.cached().count()
    (key,) = bytes_too.keys("sql:*")
    name = {
        "gate": keys.gate("default", "star"),
        "rows": keys.records_gate("default", "star"),
        "everything": keys.database_gate("default"),
        "lease": keys.lease("star:3"),
        "sql lease": keys.lease(key),
    }[where]
    spoil(bytes_too, name, *garbage)
    if "lease" in where:
        bytes_too.delete("star:3", key)
    for _ in range(3):
        assert star(3).name == "Electra"  # type: ignore[union-attr]
        assert Star.objects.cached().count() == 8
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert star(3).name == "Taygeta"  # type: ignore[union-attr]
    assert Star.objects.cached().filter(name="Taygeta").count() == 1
    Star.objects.filter(pk=3).update(name="Electra")
    star(3)
    Star.objects.cached().count()
    assert bytes_too.exists("star:3")
    assert bytes_too.exists(key)


def test_garbage_is_counted(redis: Any) -> None:
    before = stats.counts()
    redis.set("star:3", "garbage")
    star(3)
    Star.objects.cached().count()
    (key,) = redis.keys("sql:*")
    redis.set(key, "garbage")
    Star.objects.cached().count()
    after = stats.counts()
    for kind in ("sql", "record"):
        assert after[kind, "undecodable"] == before.get((kind, "undecodable"), 0) + 1


KEY = "sql:0"


@given(st.binary(max_size=200))
def test_decoding_raises_nothing_but_undecodable(data: bytes) -> None:
    for form in (b"", envelope.PLAIN, envelope.ZSTD):
        with pytest.raises(envelope.Undecodable):
            codec.decode(KEY, form + data, max_bytes=1000)


# An entry of format 3, sealed by the tests' SECRET_KEY. When this fails the stored format has
# changed: raise keys.FORMAT, so that the entries of the last release are out of reach, and put the
# new bytes here.
STORED = (
    "01dc81df96629a078d3957a4b5c32cd64c9892a161a162cb41d954fc40000000cb41d7d78400000000cb3ff8"
    "00000000000091a6706c616e6574a853454c4543542031a42e2e442e919401a178a3312e35c7160731313830"
    "353931363230373137343131333033343234"
)


def test_the_stored_format_is_pinned() -> None:
    entry = codec.Entry(
        generation=("a", "b"),
        filled=1.6e9,
        expires=1.7e9,
        load_ms=1.5,
        tables=("planet",),
        sql="SELECT 1",
        rows=[(1, "x", Decimal("1.5"), 2**70)],
    )
    data = codec.encode(KEY, entry, compress_above=0, max_bytes=1000)
    assert data.hex() == STORED
    assert codec.decode(KEY, data, max_bytes=1000).rows == [(1, "x", Decimal("1.5"), 2**70)]
