"""The line by which a page says that it is late, as the database is away.

A page is stored as it was made, when the database was there. So the line lies in it from then on,
in a comment, and the comment is taken off where the page is served late.
"""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString, mark_safe

BEGINS, ENDS = "<!--cache-aside-late ", " cache-aside-late-->"
COMMENT = re.compile(f"{BEGINS}(.*?){ENDS}".encode(), re.S)
# Whoever has the page by these must not take the late one for it, or the other way round.
VALIDATORS = ("ETag", "Last-Modified")


def notice(text: str) -> SafeString:
    """A piece of a page that nobody sees until `tell` shows it. It is escaped already.

    Raises ValueError for what would end the comment that it is hidden in.
    """
    if "--" in text:
        raise ValueError(f"{text!r:.80} holds two hyphens, which end a comment: write it without")
    return mark_safe(f"{BEGINS}{text}{ENDS}")  # noqa: S308  as it was


def tell(response: HttpResponse) -> HttpResponse:
    """Let a page say that it is late, and nobody keep it."""
    if response.get("Content-Type", "").startswith("text/html"):
        response.content = COMMENT.sub(lambda found: found[1], response.content)
        if response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
    for name in VALIDATORS:
        del response.headers[name]
    del response.headers["Cache-Control"]
    patch_cache_control(response, no_store=True)
    return response
