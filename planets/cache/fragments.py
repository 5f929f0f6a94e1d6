"""Pieces of templates, kept until something that they were rendered from is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from django.utils.safestring import SafeString, mark_safe

from .reading import computed
from .reading.computed import made_by
from .reading.computed_format import Made
from .reading.computed_shelf import ComputedShelf
from .reading.dependencies import Tracker
from .reading.late import PUNCTUAL, Late
from .release import surroundings
from .storage import keys

SHELF = ComputedShelf(
    "fragment", msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(str).decode
)


def fragment(
    name: str,
    vary: Sequence[Any],
    render: Callable[[], str],
    *,
    ttl: float | None = None,
    late: Late = PUNCTUAL,
    refusal: Callable[[], str] = str,
) -> SafeString:
    """What `render` gives, which must be escaped already: it is safe, from the cache as from here.

    `vary` holds what else it depends on: numbers, texts, dates, tuples of such. `refusal` is asked
    after rendering, and says why it must not be stored. Raises TypeError.
    """
    key = keys.computed("fragment", surroundings(), name, tuple(vary))

    def make(heard: Tracker) -> Made:
        text = str.__str__(str(render()))  # safe texts are of a type of their own
        return made_by(heard, text, refusal=refusal())

    text = computed.fetch(computed.lookup_of(SHELF, key, name, ttl, late), make)
    return mark_safe(text)  # noqa: S308  it was rendered with escaping on
