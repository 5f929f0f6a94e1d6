"""A response as it is stored, and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b

import msgspec
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from ..reading.computed_shelf import ComputedShelf
from ..reading.weight import BESIDES
from .marking import Policy
from .ready import BYTES as READY_BYTES
from .ready import Ready


class Page(msgspec.Struct, array_like=True, dict=True):
    """A response in plain values."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes

    @cached_property
    def ready(self) -> Ready:
        return Ready(self.status, self.headers, self.content)


BESIDES[Page] = READY_BYTES


OF_304 = (
    *("ETag", "Cache-Control", "Content-Location", "Expires", "Last-Modified", "Vary"),
    # Where they are made behind the cache: a browser then goes by these, and not by its own of old.
    *("Content-Security-Policy", "Content-Security-Policy-Report-Only"),
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Page)

SHELF = ComputedShelf("page", _encoder.encode, _decoder.decode)


def why_not(response: HttpResponseBase, policy: Policy) -> str:
    """Why a response must not be stored, whoever asked for it; "" where it may."""
    if response.streaming:
        return "it is streamed"
    if response.status_code not in policy.statuses:
        return f"its status is {response.status_code}"
    # `private="Name"` is as private.
    control = [word.partition("=")[0] for word in _names(response.get("Cache-Control", ""))]
    for word in ("no-store", "private"):
        if word in control:
            return f"its Cache-Control says {word}"
    for header in _names(response.get("Vary", "")):
        if header not in policy.vary:
            return f"it varies by {header}, which its view does not name"
    return ""


def prepare(response: HttpResponseBase, policy: Policy) -> dict[str, str]:
    """Give a response that will be stored its ETag, and let browsers and proxies revalidate it.

    Returns the headers that its 304 has, too.
    """
    assert isinstance(response, HttpResponse)  # noqa: S101  it is not streamed
    if not response.has_header("ETag"):
        digest = blake2b(response.content, digest_size=12)
        digest.update(repr(sorted(response.headers.items())).encode())
        response.headers["ETag"] = f'"{digest.hexdigest()}"'
    if policy.vary:
        patch_vary_headers(response, policy.vary)
    if not response.has_header("Cache-Control"):
        patch_cache_control(response, public=True, no_cache=True)
    return {name: response.headers[name] for name in OF_304 if response.has_header(name)}


def page_of(response: HttpResponseBase) -> Page:
    """A response that may be stored."""
    assert isinstance(response, HttpResponse)  # noqa: S101
    return Page(response.status_code, list(response.headers.items()), response.content)


def response_of(page: Page) -> HttpResponse:
    """The response again."""
    return page.ready.response()


def _names(header: str) -> Sequence[str]:
    return [name.strip().lower() for name in header.split(",") if name.strip()]
