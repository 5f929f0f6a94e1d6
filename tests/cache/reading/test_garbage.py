"""Whatever lies under our keys is at worst a counted miss that heals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planets.cache import stats
from planets.cache.reading import codec as codecs
from planets.models import Planet
from planets.records import planet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
    truth = planet(3)
    assert truth
    spoil(bytes_too, "planet:3", *garbage)
    for _ in range(2):
        read = planet(3)
        assert read
        assert (read.pk, read.name, read.mass) == (3, "Earth", truth.mass)
    assert bytes_too.hget("planet:3", "name") == "Earth"
    assert bytes_too.ttl("planet:3") > 0


@MANY
@given(garbage=GARBAGE)
def test_garbage_under_the_key_of_a_query(bytes_too: Any, garbage: tuple[str, Any]) -> None:
    truth = [p.name for p in Planet.objects.cached().order_by("id")]
    (key,) = bytes_too.keys("sql:*")
    intact = bytes_too.client_of_bytes.get(key)
    spoil(bytes_too, key, *garbage)
    for _ in range(2):
        assert [p.name for p in Planet.objects.cached().order_by("id")] == truth
    healed = bytes_too.client_of_bytes.get(key)
    assert len(healed) == len(intact)
    assert bytes_too.ttl(key) > 0 or healed == intact


@MANY
@given(garbage=GARBAGE, where=st.sampled_from(["gate", "rows", "everything", "lease", "sql lease"]))
def test_garbage_under_gates_and_leases(
    bytes_too: Any, garbage: tuple[str, Any], where: str
) -> None:
    bytes_too.flushdb()
    planet(3)
    Planet.objects.cached().count()
    (key,) = bytes_too.keys("sql:*")
    name = {
        "gate": "gen:default:planet",
        "rows": "gen:default:planet#rows",
        "everything": "gen:default:*",
        "lease": "lease:{planet:3}",
        "sql lease": f"lease:{{{key}}}",
    }[where]
    spoil(bytes_too, name, *garbage)
    if "lease" in where:
        bytes_too.delete("planet:3", key)
    for _ in range(3):
        assert planet(3).name == "Earth"  # type: ignore[union-attr]
        assert Planet.objects.cached().count() == 8
    Planet.objects.filter(pk=3).update(name="Terra")
    assert planet(3).name == "Terra"  # type: ignore[union-attr]
    assert Planet.objects.cached().filter(name="Terra").count() == 1
    Planet.objects.filter(pk=3).update(name="Earth")
    planet(3)
    Planet.objects.cached().count()
    assert bytes_too.exists("planet:3")
    assert bytes_too.exists(key)


def test_garbage_is_counted(redis: Any) -> None:
    before = stats.counts()
    redis.set("planet:3", "garbage")
    planet(3)
    Planet.objects.cached().count()
    (key,) = redis.keys("sql:*")
    redis.set(key, "garbage")
    Planet.objects.cached().count()
    after = stats.counts()
    for kind in ("sql", "record"):
        assert after[kind, "undecodable"] == before.get((kind, "undecodable"), 0) + 1


@given(st.binary(max_size=200))
def test_decoding_raises_nothing_but_undecodable(data: bytes) -> None:
    for form in (b"", codecs.PLAIN, codecs.ZSTD):
        with pytest.raises(codecs.Undecodable):
            codecs.decode(form + data, max_bytes=1000)


# An entry of format 2. When this fails the stored format has changed: raise keys.FORMAT, so that
# the entries of the last release are out of reach, and put the new bytes here.
STORED = (
    "019ff1d9fc9792a161a162cb41d954fc40000000cb3ff800000000000091a6706c616e6574a853454c4543"
    "542031a42e2e442e919401a178a3312e35c7160731313830353931363230373137343131333033343234"
)


def test_the_stored_format_is_pinned() -> None:
    entry = codecs.Entry(
        generation=("a", "b"),
        expires=1.7e9,
        load_ms=1.5,
        tables=("planet",),
        sql="SELECT 1",
        rows=[(1, "x", Decimal("1.5"), 2**70)],
    )
    data = codecs.encode(entry, compress_above=0, max_bytes=1000)
    assert data.hex() == STORED
    assert codecs.decode(data, max_bytes=1000).rows == [(1, "x", Decimal("1.5"), 2**70)]
