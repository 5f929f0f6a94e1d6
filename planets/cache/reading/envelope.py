"""What every entry is wrapped in: a form, a seal, and a bound on its size."""

from __future__ import annotations

import threading
from functools import cached_property
from hmac import compare_digest

import zstandard

from . import seal

PLAIN, ZSTD = b"\x01", b"\x02"
HEAD = 1 + seal.BYTES  # the form, and the seal of form and body


class Zstd(threading.local):
    """A thread's compressor and decompressor: to make them takes as long as to use them once.

    The fastest level takes half as long as the usual one, and gives 5 % more bytes of a page.
    """

    @cached_property
    def pack(self) -> zstandard.ZstdCompressor:
        return zstandard.ZstdCompressor(level=1)

    @cached_property
    def unpack(self) -> zstandard.ZstdDecompressor:
        return zstandard.ZstdDecompressor()


zstd = Zstd()


class Undecodable(ValueError):
    """Bytes that this site, in this release, has not stored under that key."""


class Unencodable(ValueError):
    """What cannot be stored: a value of an unknown type, or too many bytes."""


def wrap(key: str, body: bytes, *, compress_above: int, max_bytes: int) -> bytes:
    """Form byte, seal, body (compressed where it is longer than `compress_above`).

    It can be opened under `key` alone. Raises Unencodable.
    """
    form = PLAIN
    # The bound holds before compression, so that a decoder knows how much to expect at most.
    if len(body) > max_bytes:
        raise Unencodable(f"{len(body)} bytes are more than MAX_BYTES, {max_bytes}")
    if compress_above and len(body) > compress_above:
        form, body = ZSTD, zstd.pack.compress(body)
    return form + seal.seal(key, form, body) + body


def unwrap(key: str, data: object, *, max_bytes: int) -> bytes:
    """The body that wrap() made into `data`. Raises Undecodable, also for what are no bytes."""
    if not isinstance(data, bytes):
        raise Undecodable("not a string")
    if len(data) > HEAD + max_bytes:
        raise Undecodable(f"{len(data)} bytes are more than MAX_BYTES, {max_bytes}")
    form, body = data[:1], data[HEAD:]
    if form not in (PLAIN, ZSTD):
        raise Undecodable("not an entry of this format")
    if not compare_digest(seal.seal(key, form, body), data[1:HEAD]):
        raise Undecodable("truncated, altered, or not sealed by this site")
    if form == PLAIN:
        return body
    try:
        if zstandard.frame_content_size(body) > max_bytes:
            raise Undecodable("larger than MAX_BYTES when decompressed")
        return zstd.unpack.decompress(body)
    except zstandard.ZstdError as error:
        raise Undecodable(str(error)) from error
