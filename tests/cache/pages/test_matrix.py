"""The matrix: whatever a page shows of its visitor, no byte of it reaches another, by any order.

Each visitor has a secret, and carries it in everything that a request can hold.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from planets.cache import cached_page
from planets.cache.pages.middleware import PageCacheMiddleware
from tests.cache.zoo.models import Star
from tests.cache.zoo.personal import PERSONAL
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

ANN, BOB = "secret-of-ann", "secret-of-bob"


@cached_page
def for_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse(", ".join(Star.objects.order_by("id").values_list("name", flat=True)))


@cached_page
def greeting(request: HttpRequest) -> HttpResponse:
    who = request.user.get_username() if request.user.is_authenticated else "nobody"
    return HttpResponse(f"Hello {who}, there are {Star.objects.count()} stars")


def leave(request: HttpRequest) -> HttpResponse:
    """Not cached: it leaves each visitor a message and a word in the session."""
    request.session["name"] = request.user.get_username()
    messages.info(request, request.user.get_username())
    return HttpResponse("left")


urlpatterns: list[Any] = [
    path("for-all/", for_all),
    path("greeting/", greeting),
    path("leave/", leave),
    path("", include("tests.cache.zoo.personal")),
]
ADDRESSES = ["/for-all/", "/greeting/", *(f"/personal/{name}/" for name in PERSONAL)]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


def visitor(secret: str) -> Client:
    variables: dict[str, Any] = {
        "HTTP_X_NAME": secret, "HTTP_USER_AGENT": secret, "HTTP_ACCEPT": secret,
        "HTTP_ACCEPT_ENCODING": secret, "HTTP_X_FORWARDED_HOST": secret, "HTTP_REFERER": secret,
        "HTTP_X_FORWARDED_PORT": secret, "REMOTE_ADDR": secret, "SSL_CLIENT_S_DN": secret,
    }  # fmt: skip
    client = Client(raise_request_exception=False, **variables)
    user = get_user_model().objects.filter(username=secret).first()
    client.force_login(user or get_user_model().objects.create_superuser(secret))
    client.cookies["name"] = secret
    client.cookies["csrftoken"] = secret.replace("-", "x").ljust(32, "x")
    client.get("/leave/")
    return client


def told(response: Any) -> bytes:
    """Every byte that reaches a browser."""
    body = b"".join(response) if response.streaming else response.content
    cookies = response.cookies.output()
    return b"\n".join([repr(sorted(response.headers.items())).encode(), cookies.encode(), body])


def own(secret: str) -> set[bytes]:
    return {secret.encode(), secret.replace("-", "x").encode()}


class Together:
    """Both are past the look, so that neither has been given what the other makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.barrier = threading.Barrier(2, timeout=PATIENCE)
        call = PageCacheMiddleware.__call__

        def meeting(middleware: PageCacheMiddleware, request: Any) -> Any:
            if request.path != "/leave/":
                self.barrier.wait()
            return call(middleware, request)

        monkeypatch.setattr(PageCacheMiddleware, "__call__", meeting)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.parametrize("near", [False, True], ids=["redis", "near"])
def test_no_byte_of_one_reaches_another(
    near: bool, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    if near:
        request.getfixturevalue("near_on")
    visitors = visitor(ANN), visitor(BOB), Client(raise_request_exception=False)
    for address in ADDRESSES:
        one_after_the_other(address, *visitors)
        at_once(address, pool, monkeypatch, *visitors[:2])


def one_after_the_other(address: str, ann: Client, bob: Client, nobody: Client) -> None:
    for client, others in ((ann, [BOB]), (bob, [ANN]), (nobody, [ANN, BOB]), (ann, [BOB])):
        seen = told(client.get(address))
        for other in others:
            assert not any(word in seen for word in own(other)), (address, other)


def at_once(
    address: str, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, *both: Client
) -> None:
    with monkeypatch.context() as patch:
        Together(patch)

        def visit(client: Client) -> bytes:
            try:
                return told(client.get(address))
            finally:
                connections.close_all()

        of_ann, of_bob = pool.map(visit, both)
    assert not any(word in of_ann for word in own(BOB)), address
    assert not any(word in of_bob for word in own(ANN)), address


def test_the_secrets_are_shown_to_whom_they_belong() -> None:
    """Or the matrix would show nothing."""
    ann = visitor(ANN)
    shown = [address for address in ADDRESSES if ANN.encode() in told(ann.get(address))]
    assert len(shown) > 10, shown
    assert {"/greeting/", "/personal/user/", "/personal/messages-shown/"} <= {*shown}
