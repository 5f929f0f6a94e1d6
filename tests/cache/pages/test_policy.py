"""cached_page: what it takes, and what it leaves of a view."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.views import View

from planets.cache import cached_page
from planets.cache.pages import policy_of


def view(request: HttpRequest) -> HttpResponse:
    """A view."""
    return HttpResponse(request.path)


def test_a_view_is_marked_and_stays_as_it_was() -> None:
    marked = cached_page(ttl=60, vary=("Accept",), query=("q",), statuses={200: None, 404: 5})(view)

    policy = policy_of(marked)
    assert policy is not None
    assert (policy.ttl, policy.vary, policy.query) == (60, ("accept",), frozenset({"q"}))
    assert policy.statuses == {200: None, 404: 5}
    assert (marked.__name__, marked.__doc__) == ("view", "A view.")
    request = HttpRequest()
    request.path = "/here/"
    assert marked(request).content == b"/here/"
    assert policy_of(view) is None


def test_it_needs_no_parentheses_and_takes_what_as_view_returns() -> None:
    assert policy_of(cached_page(view))
    assert policy_of(cached_page(View.as_view()))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ttl": 0}, ValueError, "ttl is 0, must be more than 0 seconds"),
        ({"ttl": float("inf")}, ValueError, "ttl is inf"),
        ({"query": "q"}, TypeError, "query is 'q', must be a list of names"),
        ({"vary": "Accept"}, TypeError, "vary is 'Accept', must be a list of names"),
    ],
)
def test_nonsense_is_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cached_page(**options)


def test_a_class_is_no_view() -> None:
    with pytest.raises(TypeError, match=r"of a class: its as_view\(\)"):
        cached_page(View)
