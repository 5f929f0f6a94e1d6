"""Admin → Cache: what is cached, and how to make it stale. Looks by the cache's own means."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from .. import invalidate
from ..conf import conf
from ..instruments import feed
from ..instruments.browsing import FIRST, Wanted, browse
from ..instruments.inspection import opened
from ..instruments.keyspace import KINDS
from ..instruments.overview import overview
from ..instruments.standing import databases, gates_of_tables
from ..instruments.watch import counted
from ..invalidation import drop
from ..lab.advisor import report
from ..models import Cache
from ..storage.client import client
from ..storage.errors import Unavailable
from . import ratio_chart, saved_chart

INVALIDATE = "cache_aside.invalidate_cache"
REFRESH = 5  # seconds, where JavaScript is on
MOST_DELETED = 500  # in one POST: a page of keys has some fifty


def seen() -> dict[str, Any]:
    """What the page shows; `away` alone where Redis is not reachable."""
    feed.tell()  # what an editor has just done stands there at once
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
        "busiest": ratio_chart.busiest(found.minutes),
        "history": conf().HISTORY,
        "refresh": REFRESH,
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


def _filter_of(request: HttpRequest) -> str:
    """The query string of the list that a form was posted from; of what is wrong, none."""
    form = KeyFilter(request.GET)
    return form.query() if form.is_valid() else ""


def tell(request: HttpRequest, done: str) -> None:
    """Say what was invalidated, and where Redis is away, that it is owed."""
    if client.debt:
        messages.warning(request, f"{done} Redis is away: it holds as soon as Redis is back.")
    else:
        messages.success(request, done)


class KeyFilter(forms.Form):
    pattern = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(required=False, choices=[("", "any"), *((k, k) for k in KINDS[:-1])])
    table = forms.CharField(required=False, max_length=64)
    cursor = forms.CharField(required=False, max_length=30)

    def wanted(self) -> Wanted:
        said = self.cleaned_data
        return Wanted(kind=said["kind"], table=said["table"].lower(), text=said["pattern"].strip())

    def query(self, **more: str) -> str:
        """The query string of the same filter."""
        names = ("pattern", "kind", "table")
        said = {name: self.cleaned_data.get(name, "") for name in names} | more
        return "?" + urlencode({name: value for name, value in said.items() if value})


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
            at("delete/", require_POST(self.delete_several_view), "delete_several"),
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
        tables = sorted({table for _, table in gates_of_tables().values()})
        context: dict[str, Any] = {"form": form, "tables": tables}
        if form.is_valid():
            context["first"] = form.query()
            try:
                page = browse(form.wanted(), form.cleaned_data["cursor"] or FIRST)
                context |= {"keys": page.keys, "next": page.cursor}
                context["following"] = form.query(cursor=page.cursor)
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

    def delete_several_view(self, request: HttpRequest) -> HttpResponse:
        """Delete the entries that are posted, and go back to the list that they were chosen in."""
        self.check_may_invalidate(request)
        back = f"{reverse('admin:cache_aside_cache_keys')}{_filter_of(request)}"
        names = list(dict.fromkeys(request.POST.getlist("key")))
        if not names:
            messages.info(request, "No entry was chosen: tick those that are to be deleted.")
            return redirect(back)
        if len(names) > MOST_DELETED:
            raise BadRequest(f"{len(names)} keys were posted, must be {MOST_DELETED} at most")
        try:
            dropped = drop(*names)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        except Unavailable as error:
            messages.error(request, f"Nothing was deleted: {error}")
            return redirect(back)
        self.log_deletions(request, [Cache(key=name) for name in dropped])  # type: ignore[arg-type]
        gone = len(names) - len(dropped)
        done = f"Deleted {counted(len(dropped), 'entry', 'entries')}; the next fetches fill them."
        messages.success(request, f"{done} {gone} had gone already." if gone else done)
        return redirect(back)

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
