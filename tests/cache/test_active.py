"""What is active is told as Django tells it, by a shorter way where nothing is."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from planets.cache import active


def told() -> tuple[Any, ...]:
    return active.language(), active.zone(), active.urlconf(), active.prefix()


def djangos() -> tuple[Any, ...]:
    return (
        translation.get_language(),
        timezone.get_current_timezone_name(),
        str(get_urlconf() or settings.ROOT_URLCONF),
        get_script_prefix(),
    )


def of_a_new_thread(context: contextvars.Context | None = None) -> list[Any]:
    found: list[Any] = []

    def ask() -> None:
        found.append(context.run(told) if context else told())
        found.append(context.run(djangos) if context else djangos())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found


def test_it_is_what_django_says_before_within_and_after() -> None:
    usual = djangos()
    assert told() == usual
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        set_urlconf("tests.cache.zoo.personal")
        set_script_prefix("/below/")
        try:
            assert (
                told() == djangos() == ("de", "Asia/Tokyo", "tests.cache.zoo.personal", "/below/")
            )
            there, truth = of_a_new_thread()
            assert there == truth
            # Of a context that was carried by hand a thread does not see what is another's.
            there, truth = of_a_new_thread(contextvars.copy_context())
            assert there == truth
        finally:
            set_urlconf(None)
            set_script_prefix("/")
    assert told() == djangos() == usual
    with translation.override(None):
        assert told() == djangos()
    timezone.deactivate()
    translation.deactivate()
    assert told() == djangos()


def test_async_code_and_its_threads_are_told_the_same() -> None:
    async def ask() -> list[Any]:
        with translation.override("fr"), timezone.override("Asia/Tokyo"):
            here = [told(), djangos()]
            return [*here, await sync_to_async(told)(), await sync_to_async(djangos)()]

    for found in (asyncio.run(ask()), async_to_sync(ask)()):
        assert found == [found[0]] * 4
        assert found[0][:2] == ("fr", "Asia/Tokyo")


def test_another_local_in_its_place_is_found(settings: Any) -> None:
    """As Django's own tests put one there when the setting of the language changes."""
    settings.LANGUAGE_CODE = "fr"
    assert told() == djangos()
    with translation.override("de"):
        assert told() == djangos()
        assert told()[0] == "de"


def test_an_asgiref_that_keeps_it_otherwise_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_language", "_zone", "_urlconf", "_prefix"):
        monkeypatch.setattr(getattr(active, name), "_variable", None)
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        assert told() == djangos()
    assert told() == djangos()
    monkeypatch.undo()
    monkeypatch.setattr(active, "_Storage", None)
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        assert told() == djangos()
    assert told() == djangos()
