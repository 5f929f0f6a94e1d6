"""A response that is given out many times: made once by Django, and copied for each visitor.

HttpResponse checks and converts each header that it is given, which takes longer than all else that
a hit does with its page. What of a response may be changed is a copy's own: its headers, cookies,
list of contents and what it closes.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any

from django.http import HttpResponse
from django.http.response import ResponseHeaders

BYTES = 2_300  # that it takes in memory beside its content, with nine headers; measured


class Ready:
    """The response of a status, headers and a content."""

    def __init__(self, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        made = HttpResponse(content, status=status, headers=dict(headers))
        self._content = content
        self._told = dict(vars(made))
        self._headers = vars(made.headers)["_store"]

    def response(self) -> HttpResponse:
        """One of its own for a visitor."""
        headers = ResponseHeaders.__new__(ResponseHeaders)
        vars(headers)["_store"] = self._headers.copy()
        response: Any = HttpResponse.__new__(HttpResponse)
        vars(response).update(
            self._told,
            headers=headers,
            cookies=SimpleCookie(),
            _resource_closers=[],
            _container=[self._content],
        )
        made: HttpResponse = response
        return made
