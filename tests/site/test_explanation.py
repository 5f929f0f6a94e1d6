"""`How this page was made`: its story, its buttons, and that a visitor can do no harm with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import include, path
from redis import Redis

from planets.cache.events import Fetch
from planets.cache.storage.client import client as layer
from planets.cache.storage.errors import Unavailable
from planets.explanation import acts, naive, views
from planets.explanation.beside import LAYER, TUTORIAL, Beside
from planets.explanation.limit import Full, Limit
from planets.models import Planet
from planetsite.toolbar import is_shown
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system", "redis", "explained"),
]

ACTS = list(acts.ACTS)
INLINE = re.compile(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon\w+=|javascript:", re.I)
SQL = "SELECT id, name FROM planet WHERE id = 3"

urlpatterns = [path("", include("planets.explanation.urls")), path("", include("planetsite.urls"))]


@pytest.fixture
def explained(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with EXPLAIN_PAGES; nobody has asked for an explanation yet, and few runs are timed."""
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(views, "limit", Limit(100, 100))
    monkeypatch.setattr("planets.explanation.measurement.ROUNDS", 1)


@pytest.fixture
def stored(redis: Redis) -> Iterator[None]:
    """What was there beforehand of other pages is there afterwards."""
    for address in ("/moons/", "/planets/4/"):
        Client().get(address)
    before = {*redis.keys("page:*"), *redis.keys("sql:*")}
    assert len(before) > 2
    yield
    assert before <= {*redis.keys("*")}


def look(page: str = "/planets/3/") -> str:
    response = Client().get("/explain/", {"page": page})
    assert response.status_code == 200
    return response.content.decode()


def do(act: str, page: str = "/planets/3/", **more: str) -> str:
    """What an act answers, without what is told of the page whatever was done."""
    response = Client().post("/explain/", {"act": act, **more}, query_params={"page": page})
    assert response.status_code == 200, response.content
    return response.content.decode().partition("<h2>Beside it")[0]


def outcomes(html: str) -> list[str]:
    return re.findall(r'class="outcome (\w+)"', html)


def steps(html: str) -> list[str]:
    """The steps of the first fetch."""
    listed = html.partition('<ol class="steps">')[2].partition("</ol>")[0]
    return re.findall(r'<li class="(\w+)"', listed)


def name_of_earth() -> str:
    return Planet.objects.get(pk=3).name


# --- the story


def test_a_hit_is_a_look_at_gates() -> None:
    Client().get("/planets/3/")
    html = look().partition("<h2>Beside it")[0]
    assert outcomes(html) == ["hit"]
    assert steps(html) == ["look", "gates", "end"]
    assert "1 round trip to Redis · 0 statements" in html


def test_a_miss_is_look_claim_load_fill_and_so_are_its_parts() -> None:
    html = look().partition("<h2>Beside it")[0]
    assert outcomes(html) == ["miss", "plain", "miss", "miss", "miss"]
    assert steps(html) == ["look", "claim", "load", "fill", "end"]
    assert "<code>planet:3</code>" in html
    assert re.search(r"<code>sql:[0-9a-f]{32}</code>", html)
    assert re.search(r"gen:\S+:moon</code> in generation <code>[0-9a-f]{16}<", html)
    assert html.count("Not there: ") == 4


def test_beside_it_is_the_same_without_the_cache() -> None:
    html = look().partition("<h2>Beside it")[2]
    assert "caching is disabled" in html
    assert html.count("<strong>") == 1
    for way in ("whole, from Redis", "made anew, with the cache", "made without the cache"):
        assert way in html


@pytest.mark.parametrize(
    "page",
    ["/", "/?kind=gas-giant&sort=mass", "/planets/3/", "/planets/97/", "/compare/?planets=3,5",
     "/moons/?q=%C3%A9", "/moons/", "/?unknown=1"],
)  # fmt: skip
def test_every_public_page_leads_to_its_explanation(page: str) -> None:
    html = Client().get(page).content.decode()
    (link,) = re.findall(r'<a href="([^"]+)" rel="nofollow">How this page was made', html)
    response = Client().get(link)
    assert response.status_code == 200
    assert f"<code>{page.replace('&', '&amp;')}</code>" in response.content.decode()


def test_a_page_that_is_not_kept_says_why() -> None:
    assert "&#x27;unknown&#x27; is none that its view names" in look("/?unknown=1")
    assert "There is nothing to end" in do("expire", "/?unknown=1")


def test_who_watches_the_explanation_hears_nothing_of_the_page(settings: Any) -> None:
    status = "planets.cache.instruments.cache_status.CacheStatusMiddleware"
    settings.MIDDLEWARE = [status, *settings.MIDDLEWARE]
    assert "Cache-Status" not in Client().get("/explain/").headers


def test_the_toolbar_is_not_on_what_times_other_pages(settings: Any) -> None:
    """It would time itself."""
    settings.DEBUG = True
    assert is_shown(RequestFactory().get("/planets/3/"))
    assert not is_shown(RequestFactory().get("/explain/"))
    settings.ROOT_URLCONF = "planetsite.urls"
    assert is_shown(RequestFactory().get("/explain/"))


def test_it_is_there_only_where_it_is_asked_for(settings: Any) -> None:
    settings.ROOT_URLCONF = "planetsite.urls"
    assert Client().get("/explain/").status_code == 404
    assert "How this page was made" not in Client().get("/planets/4/").content.decode()


# --- the buttons


@pytest.mark.parametrize("act", ACTS)
def test_each_act_is_of_this_page_and_leaves_the_planet_as_it_was(act: str, redis: Redis) -> None:
    Client().get("/planets/3/")
    Client().get("/planets/3/")
    html = do(act)
    assert "<h2>" in html
    assert name_of_earth() == "Earth"
    assert "Earth</h1>" in Client().get("/planets/3/").content.decode()
    assert not redis.exists(SQL)


def test_fetched_again_it_is_a_hit() -> None:
    do("again")
    assert outcomes(do("again")) == ["hit"]


def test_when_its_time_is_over_the_page_alone_is_missed(stored: None) -> None:
    html = do("expire")
    assert outcomes(html) == ["miss", "plain", "hit", "hit", "hit"]
    assert re.search(r"Not there: expired \d\.\d s ago", html)


def test_flushed_all_that_it_is_made_of_is_missed_and_nothing_else(stored: None) -> None:
    html = do("flush")
    assert "4 keys were deleted" in html
    assert outcomes(html) == ["miss", "plain", "miss", "miss", "miss"]


def test_without_redis_the_page_is_right_and_nobody_else_notices(events: list[Fetch]) -> None:
    html = do("away")
    away, back = html.split("<h2>Redis is back</h2>")
    assert outcomes(away) == ["error", "plain", "error", "error", "error"]
    assert "0 round trips to Redis · 4 statements" in away
    assert outcomes(back) == ["hit"]
    assert not layer.away
    assert not layer.breaker.reason


def test_a_write_makes_stale_what_was_made_from_it() -> None:
    html = do("change")
    written, after = html.split("<h2>The page right after</h2>")
    assert "close" in written
    assert re.search(r"Stale from then on .*gen:\S+:planet</code> <code>planet:3</code>", written)
    assert "shows “Earth (demo)” at once" in after
    assert outcomes(after)[:5] == ["miss", "plain", "miss", "miss", "hit"]
    assert "table planet was written" in after


def test_the_tutorials_own_fetch_is_stale_after_a_write_and_the_layers_is_not() -> None:
    html = do("change", beside="on")
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html, re.S)
    told = {re.split("<", row)[0]: re.sub(r"<[^>]+>|\s+", " ", row).split() for row in rows}
    assert told[TUTORIAL][-3:] == ["Earth", "Earth", "stale"]
    assert told[LAYER][-4:] == ["Earth", "Earth", "(demo)", "right"]
    assert told["the database"][-4:] == ["Earth", "Earth", "(demo)", "right"]


def test_the_tutorials_fetch_is_under_the_text_of_its_sql_for_its_ttl(redis: Redis) -> None:
    assert naive.fetch(SQL, redis) == [{"id": 3, "name": "Earth"}]
    assert redis.get(SQL) == '[{"id": 3, "name": "Earth"}]'
    assert 0 < redis.ttl(SQL) <= naive.TTL
    with Beside(3):
        assert not redis.exists(SQL)


# --- no harm


def test_a_name_of_full_length_is_given_back_whole() -> None:
    Planet.objects.filter(pk=3).update(name="A planet with thirty letters..")
    html = do("change")
    assert "A planet with thirty le (demo)" in html
    assert name_of_earth() == "A planet with thirty letters.."


def test_it_is_given_back_whatever_happens_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(self: Beside) -> list[str]:
        if name_of_earth() != "Earth":
            raise Unavailable("it has just gone")
        return ["Earth"] * 3

    monkeypatch.setattr(Beside, "names", names)
    assert "Redis is not reachable" in do("change", beside="on")
    assert name_of_earth() == "Earth"


def test_what_an_editor_has_written_in_between_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([None, "Terra"])

    def names(self: Beside) -> list[str]:
        if name := next(seen):
            Planet.objects.filter(pk=3).update(name=name)
        return []

    monkeypatch.setattr(Beside, "names", names)
    do("change", beside="on")
    assert name_of_earth() == "Terra"


def test_who_finds_it_changed_by_another_leaves_it() -> None:
    Planet.objects.filter(pk=3).update(name="Earth (demo)")
    assert "Somebody else is changing Earth now" in do("change")
    assert name_of_earth() == "Earth (demo)"


def test_it_acts_by_post_with_a_token_alone() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/explain/?page=/", {"act": "flush"}).status_code == 403
    html = strict.get("/explain/?page=/").content.decode()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    sent = {"act": "flush", "csrfmiddlewaretoken": token}
    assert strict.post("/explain/?page=/", sent).status_code == 200
    before = outcomes(Client().get("/explain/?page=/&act=flush").content.decode())
    assert before[0] == "hit"  # a GET does nothing
    assert Client().put("/explain/").status_code == 405


@pytest.mark.parametrize("act", ["", "drop", "__class__", "<script>"])
def test_an_act_that_is_none_is_told_so(act: str) -> None:
    response = Client().post("/explain/?page=/", {"act": act})
    assert response.status_code == 400
    assert response["Content-Type"] == "text/plain"
    assert "must be one of again, change, expire, away, flush" in response.content.decode()


@pytest.mark.parametrize(
    "page",
    ["/admin/", "/admin/login/", "/no/such/", "/explain/", "/robots.txt", "//evil.example/",
     "https://evil.example/planets/3/", "planets/3/", "javascript:alert(1)", "/planets/3/../admin/",
     "//[", "/planets/99999999999/", "/?q=" + "a" * 2_000, "\\\\evil", "/%00"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_cached_pages_of_this_site_are_explained(
    page: str, method: str, events: list[Fetch]
) -> None:
    ask = getattr(Client(), method)
    response = ask("/explain/", {"act": "flush"}, query_params={"page": page}) if method == "post" \
        else ask("/explain/", {"page": page})  # fmt: skip
    assert response.status_code == 404
    assert "There is no such page to explain" in response.content.decode()
    assert not events


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_inline(act: str) -> None:
    assert not INLINE.search(do(act, beside="on"))
    assert not INLINE.search(look())


def test_it_is_never_cached_and_for_no_index() -> None:
    for _ in range(2):
        response = Client().get("/explain/")
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "Disallow: /explain/" in Client().get("/robots.txt").content.decode()
    assert "explain" not in Client().get("/sitemap-pages.xml").content.decode()


def test_there_are_so_many_at_once_and_then_one_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(views, "limit", Limit(2, 1, now=lambda: clock[0]))
    statuses = [Client().get("/explain/").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = Client().post("/explain/?page=/", {"act": "flush"})
    assert refused.status_code == 429
    assert refused["Retry-After"] == "1"
    clock[0] = 1.0
    assert Client().get("/explain/").status_code == 200
    clock[0] = 1_000.0  # and no more than so many are saved up
    assert [Client().get("/explain/").status_code for _ in range(3)] == [200, 200, 429]


def test_one_explains_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planets.explanation.limit.PATIENCE", 0.05)
    limit, inside, leave = Limit(9, 9), threading.Event(), threading.Event()

    def explain() -> None:
        with limit.one():
            inside.set()
            leave.wait(30)

    other = threading.Thread(target=explain)
    other.start()
    assert inside.wait(30)
    with pytest.raises(Full), limit.one():
        pass
    leave.set()
    other.join()
    with limit.one():
        pass


def test_without_a_whole_cluster_nothing_is_changed(settings: Any) -> None:
    usual = settings.CACHES
    factory = "planets.cache.cluster.ClusterConnectionFactory"
    nowhere = {"LOCATION": "redis://127.0.0.1:1/0", "OPTIONS": {"CONNECTION_FACTORY": factory}}
    settings.CACHES = {"default": {**usual["default"], **nowhere}}
    for act in ACTS:
        do(act, beside="on")
    assert "Redis is not reachable" in do("change", beside="on")
    assert name_of_earth() == "Earth"
    settings.CACHES = usual
    wait_until(lambda: not layer.away)
