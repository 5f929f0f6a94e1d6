"""What is made for one visitor reaches no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from planets.cache.events import Fetch
from planets.cache.pages.watched import Headers, Watched
from tests.cache.zoo.personal import PERSONAL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.personal"


def visitor(name: str) -> Client:
    client = Client(
        HTTP_X_NAME=name, HTTP_USER_AGENT=name, HTTP_ACCEPT_ENCODING=name, HTTP_ACCEPT=name,
        HTTP_X_FORWARDED_HOST=name, HTTP_X_FORWARDED_PORT=name, REMOTE_ADDR=f"10.0.0.{len(name)}",
        SSL_CLIENT_S_DN=name,
    )  # fmt: skip
    client.force_login(get_user_model().objects.create_user(name))
    client.cookies["name"] = name
    client.cookies["zone"] = "Asia/Tokyo" if name == "ann" else "Europe/Paris"
    return client


@pytest.mark.parametrize("name", PERSONAL)
def test_no_page_with_anything_of_its_visitor_is_kept(
    name: str, redis: Any, events: list[Fetch]
) -> None:
    ann, bartholomew = visitor("ann"), visitor("bartholomew")
    for client in (ann, bartholomew, ann, Client()):
        client.get(f"/personal/{name}/")
    pages = [event for event in events if event.kind == "page"]
    assert [event.outcome for event in pages] == ["miss"] * 4
    assert all(event.reason for event in pages)
    assert not redis.keys("page:*")
    assert not redis.keys("value:*"), "nor what was computed by the way"


def test_what_a_request_is_read_by_is_noted() -> None:
    reads: list[object] = []
    watched = Watched({"a": "1"}, lambda name: True, reads.append)
    ways: list[Any] = [
        lambda: watched["a"], lambda: watched.get("b"), lambda: "b" in watched, lambda: [*watched],
        lambda: len(watched), lambda: dict(watched), lambda: {**watched}, watched.items,
        watched.keys, watched.values, watched.copy, lambda: str(watched), lambda: watched == {},
        lambda: watched != {}, lambda: watched | {}, lambda: {} | watched, lambda: bool(watched),
        lambda: watched.setdefault("a"), lambda: watched.pop("c", None),
        lambda: list(reversed(watched)), lambda: watched.__reduce_ex__(4),
        lambda: Headers(watched)["A"],
        lambda: Headers(watched).get("B"), lambda: "B" in Headers(watched),
        lambda: list(Headers(watched)), lambda: len(Headers(watched)),
        lambda: str(Headers(watched)),
        lambda: Headers(watched).keys(), lambda: Headers(watched) == {}, watched.popitem,
    ]  # fmt: skip
    for number, way in enumerate(ways):
        reads.clear()
        way()
        assert reads, f"way {number}"
