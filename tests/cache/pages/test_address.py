"""A page is found by the signs of its request: they change wherever its address does."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import path
from django.utils import timezone, translation

from planets.cache.pages.address import address_of, around_of
from planets.cache.pages.middleware import ask
from tests.cache.zoo.marked import flavoured

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    # Its own, for the fingerprint changes with any setting.
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "RELEASE": "first"}


def asked(path: str = "/flavoured/", host: str = "a.example", **environ: Any) -> WSGIRequest:
    return RequestFactory().get(path, headers={"host": host}, **environ)


def found(request: HttpRequest) -> str:
    """The key of its page, which is the same when it is asked for again; "" where it has none."""
    first, second = ask(request), ask(request)
    if first is None:
        assert second is None
        return ""
    assert second is first  # so that this is told by signs
    (key,) = first.lookup.keys
    assert key == address_of(request, first.policy, around_of(request)).key()
    return key


def test_each_sign_tells_pages_apart(settings: Any) -> None:
    keys = [found(asked())]
    keys.append(found(asked(host="a.example:8000")))
    keys.append(found(asked(host="b.example")))
    keys.append(found(asked(**{"wsgi.url_scheme": "https"})))
    keys.append(found(asked(SCRIPT_NAME="/under")))
    keys.append(found(asked(HTTP_X_FLAVOUR="sour")))
    keys.append(found(asked("/names/")))
    keys.append(found(asked("/names/?q=Sol")))
    with translation.override("de"):
        keys.append(found(asked()))
    with timezone.override("Asia/Tokyo"):
        keys.append(found(asked()))
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "RELEASE": "next"}
    keys.append(found(asked()))
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_a_host_that_is_not_allowed_never_has_a_page() -> None:
    assert found(asked(host="c.example")) == ""


def test_another_setting_is_another_answer(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["a.example"]
    request = asked(host="a.example:8000")
    key = found(request)
    assert key

    settings.ALLOWED_HOSTS = ["b.example"]
    assert found(request) == ""

    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    request.META["HTTP_X_FORWARDED_HOST"] = "b.example"
    assert found(request) == key
    settings.USE_X_FORWARDED_HOST = True
    assert found(request) not in ("", key)


@pytest.mark.parametrize("told", ["SERVER_NAME", "SERVER_PORT"])
def test_without_a_host_header_it_is_the_server_s(settings: Any, told: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    keys = set()
    for value in ("81", "82"):
        server: Any = {told: value}
        keys.add(found(RequestFactory().get("/flavoured/", **server)))
    assert len(keys) == 2


PARTS_OF_A_HOST = ["get_host", "_get_raw_host"]


def tenant(request: HttpRequest) -> str:
    return str(request.META["TENANT"])


def of_tenants(own: Any = WSGIRequest) -> list[WSGIRequest]:
    hosts = ("a.example", "b.example")
    return [own({**asked().environ, "TENANT": host}) for host in hosts]


@pytest.mark.parametrize("part", PARTS_OF_A_HOST)
def test_a_request_that_makes_its_host_by_itself_is_asked(part: str) -> None:
    keys = {found(one) for one in of_tenants(type("Own", (WSGIRequest,), {part: tenant}))}
    assert len(keys - {""}) == 2


@pytest.mark.parametrize("part", PARTS_OF_A_HOST)
def test_so_is_one_whose_class_was_changed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(asked())
    monkeypatch.setattr(HttpRequest, part, tenant)
    assert len({found(one) for one in of_tenants()} - {""}) == 2


@pytest.mark.parametrize("part", PARTS_OF_A_HOST)
def test_so_is_one_that_was_changed_itself(part: str) -> None:
    keys = set()
    for request in of_tenants():
        setattr(request, part, partial(tenant, request))
        keys.add(found(request))
    assert len(keys - {""}) == 2


def test_a_port_of_its_own() -> None:
    class Own(WSGIRequest):
        def get_port(self) -> str:
            return str(self.META["OWN_PORT"])

    environ = {**asked().environ, "SERVER_NAME": "a.example"}
    del environ["HTTP_HOST"]
    assert len({found(Own({**environ, "OWN_PORT": port})) for port in ("81", "82")} - {""}) == 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("urlconf", ("tests.cache.zoo.marked", "tests.cache.pages.test_address")),
        ("path_info", ("/one/3/", "/one/4/")),
    ],
)
def test_what_a_middleware_before_has_changed_is_in_the_key(
    name: str, values: tuple[str, str]
) -> None:
    keys = set()
    for value in values:
        request = asked()
        setattr(request, name, value)
        keys.add(found(request))
    assert len(keys - {""}) == 2


urlpatterns = [path("flavoured/", flavoured)]
