"""The page about a page. It is never cached, and for nobody's index."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from ..cache import disabled
from ..cache.instruments.rehearsal import Rehearsal, Shown
from . import acts, naive
from .limit import Full, limit
from .measurement import ROUNDS, measured, verdict
from .subject import subject_of


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    subject = subject_of(request.GET.get("page", reverse("planets:home")))
    if subject is None:
        return _answer(request, "explanation/no_page.html", {}, status=404)
    act = request.POST.get("act", "") if request.method == "POST" else None
    if act is not None and act not in acts.ACTS:
        told = f"act is {act[:40]!r}, must be one of {', '.join(acts.ACTS)}"
        return HttpResponseBadRequest(told, content_type="text/plain")
    try:
        with limit.one():
            context = _explained(Rehearsal(request, subject.path, subject.query), act, request)
    except Full as full:
        response = _answer(
            request, "explanation/later.html", {"subject": subject, "full": full}, status=429
        )
        response["Retry-After"] = str(max(1, round(full.seconds)))
        return response
    return _answer(request, "explanation/page.html", {"subject": subject, **context})


def _answer(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _explained(rehearsal: Rehearsal, act: str | None, request: HttpRequest) -> dict[str, Any]:
    beside = "beside" in request.POST
    scenes = acts.perform(act, rehearsal, beside=beside) if act else []
    now = rehearsal.show()
    times = measured(rehearsal, acts.page_key(now))
    return {
        "beside": beside or not act,
        "scenes": scenes or [acts.Scene("As it came just now", "", now.story)],
        "grounds": _grounds(now),
        "times": times,
        "verdict": verdict(dict(times)),
        "longest": max(took.median for _, took in times),
        "without": rehearsal.show(disabled).story,
        "debug": settings.DEBUG,
        "rounds": ROUNDS,
        "naive": naive.SOURCE,
        "naive_ttl": naive.TTL,
    }


def _grounds(shown: Shown) -> dict[str, Any]:
    """What the page stands on."""
    parts = [part for part in shown.story.parts if part.kind == "page"]
    return {
        "gates": [gate for part in parts for gate in part.gates],
        "records": [record for part in parts for record in part.records],
    }
