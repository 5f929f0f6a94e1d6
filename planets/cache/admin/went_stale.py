"""After a save the admin says what went stale by it: a mixin for any ModelAdmin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from ..instruments.dependents import Current, current
from ..instruments.watch import Watch
from ..storage.client import client
from ..storage.errors import Unavailable


class TellsWhatWentStale(admin.ModelAdmin):
    """`class CityAdmin(TellsWhatWentStale)`; beside another base it stands first.

    It looks at what is cached before the save, and hears what the save invalidates. It tells of
    what is committed when the view ends: under ATOMIC_REQUESTS that is nothing yet.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _telling("Saved.", super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _telling("Deleted.", super().delete_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Its actions, and what is edited in the list."""
        return _telling("Done.", super().changelist_view, request, *args, **kwargs)


def _telling(
    done: str, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponse:
    if request.method != "POST":
        return view(request, *args, **kwargs)
    before = _before()
    with Watch() as watch:
        response = view(request, *args, **kwargs)
    if not all(one.landed for one in watch.invalidations):
        messages.warning(
            request, f"{done} Redis is away: what it holds of this is invalidated when it is back."
        )
    elif watch.invalidations and before:
        stale = before.stale_by(watch.invalidations)
        if words := str(stale):
            one = stale.counts.total() == 1
            verb, them = ("is", "it") if one and stale.complete else ("are", "them")
            messages.info(
                request, f"{done} {words} {verb} out of date; the next visit fills {them}."
            )
        elif stale.complete:
            messages.info(request, f"{done} Nothing that is cached is out of date by it.")
    return response


def _before() -> Current | None:
    """What is cached and current; None where that is not known."""
    if client.away:
        return None
    try:
        return current()
    except Unavailable:
        return None
