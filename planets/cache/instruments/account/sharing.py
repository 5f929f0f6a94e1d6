"""One ledger an hour in Redis, which all processes add to: a sealed string that goes after a day.

A process adds what it has heard every half minute, in a thread of its own: it takes the string's
lease, merges, and stores it only while the lease is still its own. Who does not get the lease, or
finds Redis away, keeps what it has and comes again.
"""

from __future__ import annotations

import time

import msgspec

from ...reading.envelope import Undecodable, Unencodable, unwrap, wrap
from ...storage import gates, keys, leases
from ...storage.client import client
from ...storage.errors import Unavailable
from .ledger import Ledger

HOURS = 24
MAX_BYTES = 8_388_608  # what no hour's ledger comes near to
COMPRESS_ABOVE = 1_024

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Ledger)


def share(heard: Ledger) -> bool:
    """Add to this hour's ledger; False where that must wait."""
    key, token = keys.account(hour()), gates.token()
    try:
        holder, stored = client.call(leases.claim(key, token), ("GET", key))
        if leases.holder(holder) != token:
            return False
        ledger = _read(key, stored)
        ledger.merge(heard)
        body = _encoder.encode(ledger)
        data = wrap(key, body, compress_above=COMPRESS_ABOVE, max_bytes=MAX_BYTES)
        expiry = leases.Expiry("PEXPIRE", HOURS * 3_600_000)
        return client.call(leases.fill("fill_string", key, token, expiry, data)) == [1]
    except (Unavailable, Unencodable):
        return False


def ledgers(hours: int = HOURS) -> dict[int, Ledger]:
    """Those of the last hours that have one, by the hour's number. Raises Unavailable."""
    numbers = range(hour() - hours + 1, hour() + 1)
    replies = client.call(*(("GET", keys.account(number)) for number in numbers))
    found = {
        number: _read(keys.account(number), reply)
        for number, reply in zip(numbers, replies, strict=True)
    }
    return {number: ledger for number, ledger in found.items() if ledger.began}


def together(found: dict[int, Ledger]) -> Ledger:
    """One ledger of several."""
    whole = Ledger()
    for ledger in found.values():
        whole.merge(_decoder.decode(_encoder.encode(ledger)))  # which takes over what it is given
    return whole


def hour() -> int:
    """Hours since 1970."""
    return int(time.time()) // 3600


def _read(key: str, reply: object) -> Ledger:
    """What lies there; an empty one for what is no ledger of ours, which is then overwritten."""
    try:
        return _decoder.decode(unwrap(key, reply, max_bytes=MAX_BYTES))
    except (Undecodable, msgspec.MsgspecError):
        return Ledger()
