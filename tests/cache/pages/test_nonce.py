"""A nonce of a Content-Security-Policy is for one answer: no page that holds one is stored."""

from __future__ import annotations

from typing import Any

import pytest
from csp.constants import NONCE, NONE, SELF
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from planets.cache import cached_page
from planets.cache.events import Fetch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

CACHE = "planets.cache.pages.middleware.PageCacheMiddleware"
POLICY = "csp.middleware.CSPMiddleware"


@cached_page
def with_nonce(request: HttpRequest) -> HttpResponse:
    nonce: Any = request.csp_nonce
    return HttpResponse(f"<script nonce={nonce}></script>")


@cached_page
def without(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing")


urlpatterns = [path("nonce/", with_nonce), path("plain/", without)]


@pytest.fixture(params=[[CACHE, POLICY], [POLICY, CACHE]], ids=["behind", "before"])
def order(request: pytest.FixtureRequest, settings: Any) -> list[str]:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, request.param
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": [SELF, NONCE]}}
    return list(request.param)


def test_a_page_with_a_nonce_is_made_for_each(order: list[str], events: list[Fetch]) -> None:
    answers = [Client().get("/nonce/") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 3
    for answer in answers:
        nonce = answer.content.decode().partition("nonce=")[2].partition(">")[0]
        assert f"'nonce-{nonce}'" in answer["Content-Security-Policy"]
    assert [event.outcome for event in events] == ["miss"] * 3
    assert "nonce" in events[-1].reason


def test_a_page_without_one_is_stored_and_has_its_policy(
    order: list[str], events: list[Fetch]
) -> None:
    first = Client().get("/plain/")
    answers = [first, Client().get("/plain/")]
    answers.append(Client().get("/plain/", HTTP_IF_NONE_MATCH=first["ETag"]))
    assert [answer.status_code for answer in answers] == [200, 200, 304]
    assert {answer["Content-Security-Policy"] for answer in answers} == {"default-src 'self'"}
    assert [event.outcome for event in events] == ["miss", "hit", "hit"]


def test_an_address_of_another_host_is_refused_as_without_a_cache(
    order: list[str], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["good.example"]
    settings.MIDDLEWARE = [*order, "django.middleware.common.CommonMiddleware"]
    answer = Client(raise_request_exception=False).get("/plain/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer["Content-Security-Policy"] == "default-src 'self'"


def test_another_policy_is_another_page(order: list[str], settings: Any) -> None:
    before = Client().get("/plain/")
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": [NONE]}}
    after = Client().get("/plain/", HTTP_IF_NONE_MATCH=before["ETag"])
    assert after["Content-Security-Policy"] == "default-src 'none'"
