"""A page's response is made once and copied: equal to Django's own, and no visitor's but his."""

from __future__ import annotations

import copy

from django.http import HttpResponse
from django.http.response import ResponseHeaders

from planets.cache.pages.ready import Ready
from planets.cache.pages.stored import page_of, response_of

HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("ETag", '"1"'), ("X-Own", "grün")]
# What of a response can be changed in place; all else is a text, a number or a truth.
CHANGEABLE = {"_resource_closers", "_container", "headers", "cookies"}


def test_a_copy_is_what_django_makes() -> None:
    made = HttpResponse(b"content", status=404, headers=dict(HEADERS))
    given = Ready(404, HEADERS, b"content").response()

    assert type(given) is HttpResponse
    assert bytes(given) == bytes(made)
    assert vars(given).keys() == vars(made).keys()
    for name, value in vars(made).items():
        if name != "headers":
            assert vars(given)[name] == value, name
    assert given.serialize() == made.serialize()
    assert (given.status_code, given.reason_phrase, given.charset) == (404, "Not Found", "utf-8")


def test_whatever_can_be_changed_in_a_response_is_a_copy_s_own() -> None:
    """An attribute of Django's that is new fails here: is it one that can be changed in place?"""
    ready = Ready(200, HEADERS, b"content")
    first, second = ready.response(), ready.response()

    plain = (str, bytes, int, bool, type(None))
    changeable = {name for name, value in vars(first).items() if not isinstance(value, plain)}
    assert changeable == CHANGEABLE
    for name in CHANGEABLE:
        assert vars(first)[name] is not vars(second)[name], name
    assert vars(ResponseHeaders({})).keys() == {"_store"}
    assert vars(first.headers)["_store"] is not vars(second.headers)["_store"]


def test_what_one_visitor_s_response_is_given_no_other_s_has() -> None:
    page = page_of(HttpResponse(b"content", headers={"Content-Type": "text/plain"}))
    before = copy.deepcopy(vars(response_of(page)))
    first = response_of(page)
    first["X-Own"] = "his"
    first.set_cookie("his", "1")
    first.write("his")
    first.status_code = 500
    first.close()
    second = response_of(page)
    second.content = b"hers"
    del second["Content-Type"]

    third = response_of(page)

    assert third.content == b"content"
    assert not third.cookies
    assert not third.closed
    assert dict(third.items()) == {"Content-Type": "text/plain"}
    assert vars(third).keys() == before.keys()
