"""Twelve columns, 20,000 rows in 200 systems of 100, ten bands of 2,000."""

from __future__ import annotations

import datetime
from decimal import Decimal

from django.db import models

from planets.cache import CacheAsideManager, Records

SYSTEMS, PER_SYSTEM, BANDS = 200, 100, 10


class System(models.Model):
    name = models.CharField(max_length=30)


class Body(models.Model):
    name = models.CharField(max_length=30)
    system = models.ForeignKey(System, models.CASCADE)
    band = models.IntegerField(db_index=True)
    number = models.BigIntegerField()
    radius = models.FloatField()
    mass = models.FloatField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    ringed = models.BooleanField()
    found_on = models.DateField()
    seen_at = models.DateTimeField()
    note = models.CharField(max_length=60, null=True)

    objects = models.Manager()
    aside = CacheAsideManager()


RECORDS = Records(Body)


def create_rows() -> None:
    System.objects.bulk_create([System(name=f"System {n}") for n in range(SYSTEMS)])
    noon = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
    systems = list(System.objects.order_by("id"))
    Body.objects.bulk_create(
        [
            Body(
                name=f"Body {n}",
                system=systems[n // PER_SYSTEM],
                band=n % BANDS,
                number=n * 1_000_003,
                radius=n / 7,
                mass=n * 1.25,
                price=Decimal(n) / 4,
                ringed=n % 3 == 0,
                found_on=noon.date() - datetime.timedelta(days=n),
                seen_at=noon + datetime.timedelta(seconds=n),
                note=None if n % 5 else f"Seen by observer {n}",
            )
            for n in range(SYSTEMS * PER_SYSTEM)
        ],
        batch_size=2000,
    )
