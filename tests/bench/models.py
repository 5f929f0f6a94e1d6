"""Twelve columns, 20,000 rows in 200 systems of 100, ten bands of 2,000: of Django's own fields,
and of fields of somebody's own, as most projects have."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from planets.cache import CacheAsideManager, Records

SYSTEMS, PER_SYSTEM, BANDS = 200, 100, 10


class System(models.Model):
    name = models.CharField(max_length=30)


class Key(models.BigAutoField):
    """With a type of its own, as the site's UnsignedAutoField."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return "bigint UNSIGNED AUTO_INCREMENT"
        return super().db_type(connection)


class Measure(models.FloatField):
    """With what forms ask for, as the site's FactField."""

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        self.help_text = f"The {name} of a {cls.__name__}."
        super().contribute_to_class(cls, name, private_only)


class Label(models.CharField):
    """With another way to be cleaned."""

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        return super().clean(str(value).strip(), model_instance)


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


class Orb(models.Model):
    """The same with fields of its own."""

    id = Key(primary_key=True)
    name = Label(max_length=30)
    system = models.ForeignKey(System, models.CASCADE)
    band = models.IntegerField(db_index=True)
    number = models.BigIntegerField()
    radius = Measure()
    mass = Measure()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    ringed = models.BooleanField()
    found_on = models.DateField()
    seen_at = models.DateTimeField()
    note = Label(max_length=60, null=True)

    objects = models.Manager()
    aside = CacheAsideManager()


class First(models.Model):
    """One of the tables that a transaction writes; so is the next."""

    number = models.FloatField()


class Second(models.Model):
    number = models.FloatField()


TABLES: tuple[type[models.Model], ...] = (System, Body, Orb, First, Second)
RECORDS, OWN_RECORDS = Records(Body), Records(Orb)


def create_rows() -> None:
    System.objects.bulk_create([System(name=f"System {n}") for n in range(SYSTEMS)])
    noon = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
    systems = list(System.objects.order_by("id"))
    First.objects.create(number=0)
    Second.objects.create(number=0)
    for body in (Body, Orb):
        _create_bodies(body, systems, noon)


def _create_bodies(model: Any, systems: list[System], noon: datetime.datetime) -> None:
    model.objects.bulk_create(
        [
            model(
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
