"""A middleware that serves WSGI and ASGI natively: no request goes through a thread for it."""

from __future__ import annotations

from typing import Any

from django.utils.deprecation import MiddlewareMixin


class NativeMiddleware(MiddlewareMixin):
    """`__call__` of a subclass hands on, in `async_mode`, to a coroutine function of its own."""

    get_response: Any  # gives a response, in async_mode what it is awaited of
