"""What is served late, as those see it who look on."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.template import engines

from planets.cache import stats
from planets.cache.events import Fetch
from planets.cache.instruments import history, metrics
from planets.cache.instruments.cache_status import header
from planets.cache.instruments.history import Minute
from planets.cache.instruments.inspection import opened
from planets.cache.instruments.keyspace import kind, sample
from planets.cache.instruments.panel import summary
from planets.cache.instruments.watch import Watch
from planets.cache.reading.late import Late
from planets.cache.storage import keys
from tests.cache.zoo.electra import OLD, rename
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture(autouse=True)
def late_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Star.records, "late", Late(60, 60))


def by_query() -> str:
    return Star.objects.cached(max_stale=60).get(pk=3).name


def test_the_panel_and_the_header() -> None:
    by_query()
    rename()
    with Watch() as watch:
        by_query()
    shown = summary(watch)
    (group,) = shown["groups"]
    (row,) = group["rows"]
    assert shown["title"].startswith("1 fetch: 1 stale")
    assert (group["outcome"], row["cause"]) == ("stale", "table star was written")
    template = engines["django"].get_template("cache_aside/panel.html")
    page = template.render(shown)
    assert '<span class="outcome stale">stale</span>' in page
    assert "Served late, on purpose: table star was written" in page
    assert header(watch.fetches, watch.outcomes) == 'planets; hit; ttl=-1; detail="1 stale"'


def test_counts_and_history() -> None:
    before = stats.counts().get(("sql", "stale"), 0)
    hits = history.counted()["stale"]
    by_query()
    rename()
    by_query()
    assert stats.counts()["sql", "stale"] == before + 1
    assert history.counted()["stale"] == hits + 1
    metrics.tell()
    told = metrics.FETCHES.labels("sql", "stale")._value.get()
    assert told >= 1
    minute = Minute(start=None, hits=1, misses=1, stale=2)  # type: ignore[arg-type]
    assert (minute.fetches, minute.asked, history.ratio([minute])) == (4, 4, 0.25)


def test_a_copy_is_a_key_of_ours_and_can_be_opened() -> None:
    by_query()
    star(3)
    names = {key.name: key.kind for key in sample().keys}
    copies = [name for name, found in names.items() if found == "late"]
    assert len(copies) == 2
    record = opened(keys.late("star:3"))
    assert record
    assert record.content.fields["name"] == OLD
    assert record.content.state == "current"
    assert record.content.why.startswith("A copy that is served to those")
    rename()
    copy = next(name for name in copies if "sql:" in name)
    query = opened(copy)
    assert query
    assert (query.content.state, query.content.row_count) == ("stale", 1)
    out = StringIO()
    call_command("show_cache", key=copy, format="json", stdout=out)
    assert json.loads(out.getvalue())["kind"] == "late"


@pytest.mark.parametrize("name", ["late:{other}", "late:star:3", "late:{gen:x:*}", "late:{}"])
def test_what_is_only_named_like_one_is_not(name: str) -> None:
    assert kind(name) == "other"


def test_a_fragment_is_late_where_its_tag_says_so(events: list[Fetch]) -> None:
    template = engines["django"].from_string(
        "{% load cache_aside %}{% cached 'late' max_stale=60 %}"
        "{% for star in stars %}{{ star.name }}{% endfor %}{% endcached %}"
    )

    def shown() -> Any:
        return template.render({"stars": Star.objects.filter(pk=3)})

    assert shown() == OLD
    rename()
    assert shown() == OLD
    assert [e.outcome for e in events if e.kind == "fragment"] == ["miss", "stale"]
