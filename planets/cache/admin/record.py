"""What a row's admin page says of its record, and the button that invalidates it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from ..instruments.inspection import opened
from ..invalidation import invalidate
from ..storage import keys
from ..storage.errors import Unavailable
from .cache import INVALIDATE, tell
from .went_stale import TellsWhatWentStale


class RecordAdmin(TellsWhatWentStale):
    """The admin of a model that has `records`."""

    change_form_template = "admin/cache_aside/record_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.invalidate_record_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}_invalidate"
        return [path("<path:object_id>/invalidate/", view, name=name), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: models.Model | None = None,
    ) -> HttpResponse:
        if obj is not None and request.user.has_perm("cache_aside.view_cache"):
            context["record"] = self.record(obj)
            context["can_invalidate"] = request.user.has_perm(INVALIDATE)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def record_key(self, obj: models.Model) -> str:
        """`<table>:<id>`."""
        return keys.RECORDS[self.opts.db_table.lower()].key(obj.pk)

    def record(self, obj: models.Model) -> dict[str, Any]:
        """The record's key, and the key opened; or that Redis is away."""
        key = self.record_key(obj)
        try:
            return {"key": key, "opened": opened(key)}
        except Unavailable as error:
            return {"key": key, "away": str(error)}

    def invalidate_record_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(f"no {self.opts.verbose_name} has the id {object_id!r}")
        if not (self.has_view_permission(request, obj) and request.user.has_perm(INVALIDATE)):
            raise PermissionDenied
        invalidate(obj)
        key = self.record_key(obj)
        done = f"The record {key} and all that reads its table were invalidated."
        self.log_change(request, obj, done)
        tell(request, done)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)
