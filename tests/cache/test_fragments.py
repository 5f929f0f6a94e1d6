"""{% cached %}: kept until something that it reads is written; nothing of the context unsaid."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.template import Context, RequestContext, TemplateSyntaxError, engines
from django.test import RequestFactory

from planets.cache.events import Fetch
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def render(text: str, context: Any = None, **values: Any) -> str:
    template = engines["django"].from_string("{% load cache_aside %}" + text).template
    return str(template.render(context or Context(values)))


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events if event.kind == "fragment"]


def test_it_is_kept_until_what_it_reads_is_written(events: list[Fetch]) -> None:
    text = '{% cached "all" ttl=60 %}{% for s in stars %}{{ s.name }} {% endfor %}{% endcached %}'
    first = render(text, stars=Star.objects.order_by("id"))
    assert render(text, stars=Star.objects.order_by("id")) == first
    Star.objects.filter(pk=3).update(name="<i>")
    assert "&lt;i&gt;" in render(text, stars=Star.objects.order_by("id"))
    assert outcomes(events) == ["miss", "hit", "miss"]


def test_a_row_that_was_read_before_is_known_by_what_it_holds(events: list[Fetch]) -> None:
    text = '{% cached "one" star.id %}{{ star.name }}{% endcached %}'
    assert render(text, star=Star.objects.get(pk=3)) == "Electra"
    assert render(text, star=Star.objects.get(pk=3)) == "Electra"
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert render(text, star=Star.objects.get(pk=3)) == "Taygeta"
    assert outcomes(events) == ["miss", "hit", "miss"]


@pytest.mark.parametrize(
    "text",
    [
        "{% cached 'x' %}{{ name }}{% endcached %}",
        "{% cached 'x' %}{% with a=name %}{{ a }}{% endwith %}{% endcached %}",
        "{% cached 'x' star.id %}{{ name }}{{ star }}{% endcached %}",
        "{% cached 'x' %}{{ star.name }}{% endcached %}",
        "{% cached 'x' %}{% for row in rows %}{{ row }}{% endfor %}{% endcached %}",
        "{% cached 'x' %}{% if name %}yes{% endif %}{% endcached %}",
    ],
)
def test_what_it_does_not_vary_by_is_not_kept(text: str, events: list[Fetch]) -> None:
    for star in Star.objects.all()[:2]:
        shown = render(text, star=star, name=star.name, rows=[star.name])
        assert star.name in shown or "yes" in shown
    assert outcomes(events) == ["miss", "miss"]
    assert "which it does not vary by" in events[-1].reason


@pytest.mark.parametrize(
    ("tag", "body", "kept"),
    [
        ("", "{{ user.username }}", False),
        ("user.is_authenticated", "{{ user.username }}", False),
        ("user.id", "{{ user.username }}", True),
        ("", "{{ request.user.username }}", False),
        ("", "{{ request.path }}", False),
        ("request.path", "{{ request.user.username }}", False),
        ("", "{% csrf_token %}", False),
        ("", "{% for m in messages %}{{ m }}{% endfor %}", False),
        ("", "fixed", True),
    ],
)
def test_what_is_its_visitors_reaches_no_other(
    tag: str, body: str, kept: bool, events: list[Fetch]
) -> None:
    text = f"{{% cached 'personal' {tag} %}}{body}{{% endcached %}}"
    users = [get_user_model().objects.create_user(name) for name in ("ann", "bob")]
    for user in (*users, AnonymousUser(), *users):
        request: Any = RequestFactory().get("/")
        request.user = user
        request._messages = []
        context = RequestContext(request, {"user": user})
        for processor in engines["django"].engine.template_context_processors:
            context.update(processor(request))
        shown = render(text, context)
        if "username" in body:
            assert shown == user.username
    assert ("hit" in outcomes(events)) == kept


def test_what_is_no_tag_is_named() -> None:
    with pytest.raises(TemplateSyntaxError, match="takes a name"):
        render("{% cached %}{% endcached %}")
