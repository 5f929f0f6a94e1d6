"""Every way to ask a queryset of Everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Subquery, Value
from django.db.models.functions import TruncMonth, Upper

from .models import Everything
from .rows import FULL

READS: dict[str, Callable[[Any], Any]] = {
    "instances": lambda q: list(q.order_by("id")),
    "values": lambda q: list(q.order_by("id").values()),
    "values_list": lambda q: list(q.order_by("id").values_list()),
    "named": lambda q: [tuple(row) for row in q.order_by("id").values_list("id", named=True)],
    "flat decimals": lambda q: list(q.order_by("id").values_list("decimal", flat=True)),
    "defer": lambda q: list(q.order_by("id").defer("json", "binary")),
    "only": lambda q: list(q.order_by("id").only("char")),
    "get": lambda q: q.get(uuid=FULL["uuid"]),
    "first": lambda q: q.order_by("id").first(),
    "last": lambda q: q.order_by("id").last(),
    "earliest": lambda q: q.exclude(date=None).earliest("date"),
    "latest": lambda q: q.exclude(date=None).latest("date"),
    "count": lambda q: q.count(),
    "exists": lambda q: q.filter(integer=FULL["integer"]).exists(),
    "not exists": lambda q: q.filter(integer=5).exists(),
    "contains": lambda q: q.contains(Everything.objects.first()),
    "sum of decimals": lambda q: q.aggregate(models.Sum("decimal"), n=Count("id")),
    "aggregate of a slice": lambda q: q.order_by("id")[:2].aggregate(models.Max("datetime")),
    "dates": lambda q: list(q.dates("datetime", "month")),
    "datetimes": lambda q: list(q.datetimes("datetime", "hour", tzinfo=dt.UTC)),
    "trunc": lambda q: list(
        q.exclude(datetime=None)
        .annotate(m=TruncMonth("datetime", tzinfo=dt.UTC))
        .values_list("m", flat=True)
    ),
    "in_bulk": lambda q: q.in_bulk(),
    "annotate": lambda q: list(q.annotate(up=Upper("char"), one=Value(1)).order_by("id")),
    "group": lambda q: list(q.values("boolean").annotate(n=Count("id")).order_by("boolean")),
    "distinct": lambda q: list(q.order_by("boolean").values_list("boolean", flat=True).distinct()),
    "slice": lambda q: list(q.order_by("id")[1:2]),
    "item": lambda q: q.order_by("id")[1],
    "union": lambda q: list(q.filter(id=1).union(Everything.objects.filter(id=2)).order_by("id")),
    "subquery": lambda q: list(
        q.filter(id__in=Subquery(Everything.objects.filter(boolean=True).values("id")))
    ),
    "exists annotation": lambda q: list(
        q.annotate(e=Exists(Everything.objects.filter(id=OuterRef("id"), small=-32768)))
        .order_by("id")
        .values_list("e", flat=True)
    ),
    "json path": lambda q: list(q.filter(json__b={}).values_list("json__a", flat=True)),
    "extra select": lambda q: list(q.extra(select={"two": "1 + 1"}).order_by("id")),
    "order by an unselected": lambda q: list(
        q.annotate(x=F("small")).order_by("x", "id").values_list("id", flat=True)
    ),
    "none": lambda q: list(q.none()),
    "empty in": lambda q: list(q.filter(id__in=[])),
    "empty count": lambda q: q.filter(id__in=[]).count(),
    "reverse": lambda q: list(q.order_by("id").reverse()),
    "bool": lambda q: bool(q.filter(boolean=True)),
    "len": lambda q: len(q.all()),
}
