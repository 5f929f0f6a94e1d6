"""Admin → Cache: what is cached, and how to make it stale. Looks by the cache's own means."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from .. import invalidate
from ..conf import conf
from ..instruments.inspection import opened
from ..instruments.keyspace import FIRST, browse
from ..instruments.overview import overview
from ..instruments.standing import databases, gates_of_tables
from ..invalidation import drop
from ..lab.advisor import report
from ..models import Cache
from ..storage import keys
from ..storage.client import client
from ..storage.errors import Unavailable
from . import ratio_chart, saved_chart

INVALIDATE = "cache_aside.invalidate_cache"


def seen() -> dict[str, Any]:
    """What the page shows; `away` alone where Redis cannot be had."""
    try:
        found = overview()
    except Unavailable as error:
        return {"away": str(error)}
    return {
        "overview": found,
        "server": found.server,
        "sample": found.sample,
        "minutes": [minute for minute in found.minutes if minute.fetches],
        "bars": ratio_chart.bars(found.minutes),
        "chart_width": ratio_chart.width(found.minutes),
        "history": conf().HISTORY,
    }


def advised() -> dict[str, Any]:
    """The same for the advice."""
    try:
        found = report()
    except Unavailable as error:
        return {"away": str(error)}
    return {
        "report": found,
        "on": conf().ADVICE,
        "bars": saved_chart.bars(found.hours),
        "chart_width": saved_chart.WIDTH,
        "highest": saved_chart.highest(found.hours),
        "saved": sum(hour.saved for hour in found.hours),
        "could": sum(advice.saves for advice in found.advice),
    }


def tell(request: HttpRequest, done: str) -> None:
    """Say what was invalidated, and where Redis is away, that it is owed."""
    if client.debt:
        messages.warning(request, f"{done} Redis is away: it holds as soon as Redis is back.")
    else:
        messages.success(request, done)


class KeyFilter(forms.Form):
    pattern = forms.CharField(required=False, max_length=200)
    cursor = forms.CharField(required=False, max_length=30)

    def glob(self) -> str:
        """What is typed without a wildcard is looked for anywhere in the key."""
        pattern: str = self.cleaned_data["pattern"].strip()
        return pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"


@admin.register(Cache)
class CacheAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(INVALIDATE)

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"cache_aside_cache_{name}")

        return [
            at("", self.changelist_view, "changelist"),
            at("keys/", self.keys_view, "keys"),
            at("advice/", self.advice_view, "advice"),
            at("invalidate/", require_POST(self.invalidate_view), "invalidate"),
            at("invalidate-everything/", self.everything_view, "everything"),
            at("<path:object_id>/change/", self.change_view, "change"),
            at("<path:object_id>/delete/", require_POST(self.delete_view), "delete"),
        ]

    # --- looking

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return self.page(request, "overview", "Cache", seen())

    def keys_view(self, request: HttpRequest) -> TemplateResponse:
        """Keys in pages, by a glob."""
        form = KeyFilter(request.GET)
        prefixes = sorted(names.prefix for names in keys.RECORDS.values())
        context: dict[str, Any] = {"form": form, "record_prefixes": prefixes}
        if form.is_valid():
            try:
                page = browse(form.glob(), form.cleaned_data["cursor"] or FIRST)
                context |= {"keys": page.keys, "next": page.cursor}
            except ValueError as error:
                raise BadRequest(str(error)) from error
            except Unavailable as error:
                context["away"] = str(error)
        return self.page(request, "keys", "Keys", context)

    def advice_view(self, request: HttpRequest) -> TemplateResponse:
        """What the advisor makes of the account of statements."""
        if not self.has_view_permission(request):
            raise PermissionDenied  # before the work
        return self.page(request, "advice", "Advice", advised())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> TemplateResponse:
        name = unquote(object_id)
        context: dict[str, Any] = {"name": name}
        try:
            context["opened"] = opened(name)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        except Unavailable as error:
            context["away"] = str(error)
        return self.page(request, "key", name, context)

    def page(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(
            request,
            f"admin/cache_aside/cache/{template}.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": title,
                "can_invalidate": self.has_delete_permission(request),
                "debt": client.debt,
                **context,
            },
        )

    # --- invalidating

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete one entry."""
        self.check_may_invalidate(request)
        name = unquote(object_id)
        try:
            was_there = drop(name)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        except Unavailable as error:
            messages.error(request, f"Not deleted, {name}: {error}")
            return redirect("admin:cache_aside_cache_change", quote(name))
        if was_there:
            self.log_deletions(request, [Cache(key=name)])  # type: ignore[arg-type]
            messages.success(request, f"Deleted {name}; the next fetch fills it again.")
        else:
            messages.info(request, f"Gone already: {name}.")
        return redirect("admin:cache_aside_cache_keys")

    def invalidate_view(self, request: HttpRequest) -> HttpResponse:
        """Invalidate the table whose gate is posted."""
        self.check_may_invalidate(request)
        gate = request.POST.get("gate", "")
        try:
            alias, table = gates_of_tables()[gate]
        except KeyError:
            raise BadRequest(f"gate is {gate!r}, must be that of a table") from None
        invalidate(table, using=alias)
        self.note(request, gate, f"All that reads the table {table} was invalidated.")
        return redirect("admin:cache_aside_cache_changelist")

    def everything_view(self, request: HttpRequest) -> HttpResponse:
        """Ask; on POST invalidate all entries of all databases."""
        self.check_may_invalidate(request)
        if request.method != "POST":
            return self.page(request, "everything", "Invalidate everything?", {})
        for alias in databases():
            for gate in invalidate(everything=True, using=alias).gates:
                self.note(request, gate, f"All entries of the database {alias} were invalidated.")
        return redirect("admin:cache_aside_cache_changelist")

    def note(self, request: HttpRequest, gate: str, done: str) -> None:
        self.log_change(request, Cache(key=gate), done)
        tell(request, done)

    def check_may_invalidate(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) and self.has_delete_permission(request)):
            raise PermissionDenied
