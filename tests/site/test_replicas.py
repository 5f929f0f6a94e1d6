"""The site on a primary and a replica: who reads where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client

from planets.cache.pages.own_writes import COOKIE
from planets.cache.writing.observer import witnesses
from planets.models import Planet
from planetsite import environment
from planetsite.replicas import ReplicasMiddleware, ReplicasRouter
from tests.support.admin import logged_in
from tests.support.another_process import another_process
from tests.support.gunicorn import served
from tests.support.replicated import Pair

PAGE_CACHE = "planets.cache.pages.middleware.PageCacheMiddleware"
PRIMARY: dict[str, Any] = {
    "ENGINE": "planetsite.mysql",
    "HOST": "db.example.org",
    "PORT": "3306",
    "USER": "admin",
    "PASSWORD": "secret",
    "NAME": "tutorial",
    "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 5},
}


@pytest.fixture
def site(pair: Pair, settings: Any) -> Iterator[Pair]:
    """As DATABASE_REPLICAS sets it up."""
    settings.DATABASE_ROUTERS = ["planetsite.replicas.ReplicasRouter"]
    middleware = list(settings.MIDDLEWARE)
    at = middleware.index(PAGE_CACHE)
    middleware.insert(at + 1, "planetsite.replicas.ReplicasMiddleware")
    middleware.insert(at, "planets.cache.pages.own_writes.OwnWritesMiddleware")
    settings.MIDDLEWARE = middleware
    earth = Planet.objects.get(pk=3)
    yield pair
    earth.save()


@pytest.fixture
def asked(site: Pair) -> Iterator[set[tuple[str, str]]]:
    """Alias and table of all that is read and written, from here on."""
    found: set[tuple[str, str]] = set()

    def witness(alias: str, statement: Any, *args: Any) -> Any:
        found.update((alias, table) for table in statement.tables)
        return args[-1]()

    witnesses.append(witness)
    yield found
    witnesses.remove(witness)


def name(address: str = "/planets/3/") -> bool:
    """Whether a visitor reads of Terra."""
    return "Terra" in Client().get(address).content.decode()


pages = pytest.mark.parametrize("address", ["/", "/planets/3/", "/compare/?planets=3,5", "/moons/"])


@pytest.mark.mysql
@pytest.mark.once
class TestOnRealServers:
    @pages
    def test_a_public_page_reads_the_replica(self, asked: Any, address: str) -> None:
        Client().get(address)  # of which positions are not known yet
        asked.clear()
        Client().get(address + ("&" if "?" in address else "?") + "q=e")
        assert {alias for alias, _ in asked} == {"replica"}

    @pages
    def test_a_write_is_on_every_page_at_once(self, site: Pair, address: str) -> None:
        if address == "/moons/":
            address = "/moons/?planet=3"
        assert not name(address)
        site.lag()
        Planet.objects.filter(pk=3).update(name="Terra")
        with another_process() as other:
            assert other.do(name, address) or address == "/planets/3/"
            site.catch_up()
            assert other.do(name, address)

    def test_the_admin_reads_and_writes_the_primary(self, asked: Any) -> None:
        editor = logged_in("view_planet", "change_planet", "view_moon")
        editor.get("/admin/planets/planet/3/change/")
        editor.get("/admin/planets/planet/")
        assert {alias for alias, _ in asked} == {"default"}
        editor.logout()

    def test_who_has_just_written_reads_the_primary(self, site: Pair, asked: Any) -> None:
        site.lag()
        Planet.objects.filter(pk=3).update(name="Terra")
        visitor = Client()
        visitor.cookies[COOKIE] = "1"
        asked.clear()
        assert b"Terra" in visitor.get("/planets/3/").content
        assert {alias for alias, _ in asked} == {"default"}
        asked.clear()
        assert name()  # and the page is anybody's: it was kept
        assert asked == set()

    def test_pages_stay_up_without_the_replica(self, site: Pair, asked: Any) -> None:
        connections["replica"].close()
        site.replica.stop()
        try:
            for address in ("/", "/planets/3/", "/compare/?planets=3,5", "/moons/"):
                assert Client().get(address).status_code == 200, address
            assert {alias for alias, _ in asked} == {"default"}
        finally:
            site.replica.start()

    def test_the_environment_sets_it_all_up(self, site: Pair, tmp_path: Any) -> None:
        """The real settings, served by a process of its own."""
        environment = {
            "DJANGO_SETTINGS_MODULE": "planetsite.settings",
            "DEBUG": "on",
            "DB_HOST": site.primary.socket,
            "DB_PORT": "",
            "DB_USER": "root",
            "DATABASE_REPLICAS": site.replica.socket,
        }
        with served(tmp_path, **environment) as process:
            assert "Terra" not in process.get("/planets/3/").body
            site.lag()
            Planet.objects.filter(pk=3).update(name="Terra")
            assert "Terra" in process.get("/moons/?planet=3").body
            clients = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = 'watched'"
            assert site.ask(site.replica, clients) > 1  # that one, and this test's own

    def test_a_command_reads_the_primary(self, asked: Any) -> None:
        list(Planet.objects.all())
        assert {alias for alias, _ in asked} == {"default"}

    def test_a_page_reads_in_a_transaction_what_that_sees(self, site: Pair, rf: Any) -> None:
        found: list[str] = []

        def view(request: Any) -> HttpResponse:
            middleware.process_view(request, view, (), {})
            found.append(ReplicasRouter().db_for_read(Planet))
            with transaction.atomic():
                found.append(ReplicasRouter().db_for_read(Planet))
            return HttpResponse()

        middleware = ReplicasMiddleware(view)
        request = rf.get("/")
        request.resolver_match = type("Match", (), {"app_name": "planets"})
        middleware(request)
        assert found == ["replica", "default"]
        request.method = "POST"
        middleware(request)
        assert found[2:] == ["default", "default"]


# --- the environment


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ("replica.example.org", {"HOST": "replica.example.org"}),
        ("10.0.0.2:3307", {"HOST": "10.0.0.2", "PORT": "3307"}),
        ("[::1]:3307", {"HOST": "::1", "PORT": "3307"}),
        (
            "reader:p%40ss@replica/other",
            {"HOST": "replica", "USER": "reader", "PASSWORD": "p@ss", "NAME": "other"},
        ),
        ("/run/mysqld/replica.sock", {"HOST": "/run/mysqld/replica.sock", "PORT": ""}),
    ],
)
def test_a_replica_is_as_its_primary_but_for_what_is_given(
    monkeypatch: pytest.MonkeyPatch, given: str, other: dict[str, str]
) -> None:
    monkeypatch.setenv("DATABASE_REPLICAS", f"{given}, another.example.org")
    found = environment.replicas("DATABASE_REPLICAS", PRIMARY)
    assert list(found) == ["replica1", "replica2"]
    options = {"OPTIONS": {"charset": "utf8mb4", "connect_timeout": 1}}
    assert found["replica1"] == PRIMARY | other | options | {"TEST": {"MIRROR": "default"}}


@pytest.mark.parametrize(
    "wrong", ["mysql://replica", "replica:port", "replica:99999", ":3306", "user:hidden@", "a?b=c"]
)
def test_a_wrong_one_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("DATABASE_REPLICAS", f"good.example.org,{wrong}")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_REPLICAS must be") as found:
        environment.replicas("DATABASE_REPLICAS", PRIMARY)
    assert "hidden" not in str(found.value)


def test_without_replicas_nothing_is_different() -> None:
    assert not any("replicas" in name for name in django_settings.MIDDLEWARE)
    assert not django_settings.DATABASE_ROUTERS
