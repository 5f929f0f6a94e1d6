from __future__ import annotations

from django.contrib import admin

from planets.cache.admin.record import RecordAdmin

from .models import Comet, Star


class CometInline(admin.TabularInline):
    model = Comet


@admin.register(Star)
class StarAdmin(RecordAdmin):
    inlines = (CometInline,)
