"""Guessing a password: refused after a few tries, whoever's name is tried."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

LIMIT = 10
LOGIN = "/admin/login/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def editor(redis: Any) -> User:
    return User.objects.create_superuser("editor", password="right")


def attempt(password: str, name: str = "editor", **request: Any) -> Any:
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client().post(LOGIN, form, **request)


def test_after_some_failures_not_even_the_right_password_is_tried() -> None:
    answers = [attempt(f"guess {n}").status_code for n in range(LIMIT + 5)]
    assert answers == [200] * (LIMIT - 1) + [429] * 6
    refused = attempt("right")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    assert "Try again in 15 minutes" in refused.content.decode()
    assert refused["Content-Security-Policy"]


def test_another_name_is_no_way_round_and_leaves_little_behind() -> None:
    for n in range(3 * LIMIT):
        attempt("guess", f"name{n}", headers={"User-Agent": f"agent {n}"})
    assert attempt("right").status_code == 429
    assert AccessAttempt.objects.count() == LIMIT


def test_others_may_still_log_in() -> None:
    """Guessing at an editor's name does not lock the editor out."""
    for _ in range(LIMIT):
        attempt("guess", REMOTE_ADDR="192.0.2.7")
    assert attempt("right", REMOTE_ADDR="192.0.2.7").status_code == 429
    assert attempt("right", REMOTE_ADDR="192.0.2.8").status_code == 302


def test_after_a_while_it_may_be_tried_again(settings: Any) -> None:
    for _ in range(LIMIT):
        attempt("guess")
    AccessAttempt.objects.update(attempt_time="2020-01-01T00:00:00Z")
    assert attempt("right").status_code == 302


def test_an_operator_can_let_somebody_in_at_once() -> None:
    for _ in range(LIMIT):
        attempt("guess")
    call_command("axes_reset", verbosity=0)
    assert attempt("right").status_code == 302


@pytest.mark.parametrize(
    ("forwarded", "behind", "counted"),
    [
        # What a client says before its proxy does is its own word.
        ("{n}, 192.0.2.7", True, True),
        ("192.0.2.{n}", True, False),
        ("192.0.2.{n}", False, True),
        # One who has an IPv6 address has all of its network.
        ("2001:db8::{n}", True, True),
        ("2001:db8:0:{n}::1", True, False),
        ("::ffff:192.0.2.{n}", True, False),
        ("nonsense {n}", True, True),
    ],
)
def test_attempts_are_counted_by_the_address_that_the_proxy_tells(
    settings: Any, forwarded: str, behind: bool, counted: bool
) -> None:
    settings.BEHIND_TLS_PROXY = behind
    for n in range(1, LIMIT + 2):
        answer = attempt("guess", headers={"X-Forwarded-For": forwarded.format(n=n)})
    assert (answer.status_code == 429) is counted


def test_a_socket_has_no_address_and_is_counted_too() -> None:
    for _ in range(LIMIT):
        answer = attempt("guess", REMOTE_ADDR="")
    assert answer.status_code == 429


def test_a_script_gets_the_same_answer() -> None:
    for _ in range(LIMIT):
        answer = attempt("guess", headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == 429
    assert "Access-Control-Allow-Origin" not in answer


def test_failures_are_logged_with_the_address_and_without_what_was_typed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3 * LIMIT):
        attempt("guess", "my password", REMOTE_ADDR="192.0.2.7")
    lines = [record.message for record in caplog.records if record.name.startswith("axes")]
    lines = [line for line in lines if "192.0.2.7" in line]
    assert LIMIT <= len(lines) <= LIMIT + 2
    assert "password" not in "".join(re.findall(r"username: .*?,|my \w+", "".join(lines)))


def test_public_pages_and_a_login_page_ask_nothing_of_it(client: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for address in ("/", "/planets/3/", "/moons/", LOGIN):
            client.get(address)
    assert "axes" not in "".join(query["sql"] for query in asked)
