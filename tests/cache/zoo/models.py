"""Models for the tests of the layer: two of everyday shape, and some of every other."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from planets.cache import CacheAsideManager, Records
from planets.cache.invalidation import saved


class Star(models.Model):
    """Its rows are read by queries and as records `star:<id>`.

    `INSERT INTO star (name)` is enough: every other column is nullable or has a default.
    """

    name = models.CharField(max_length=30)
    kind = models.CharField(max_length=16, blank=True, default="", db_default="")
    position = models.PositiveSmallIntegerField(null=True, blank=True)
    mass = models.FloatField(null=True, blank=True)
    radius = models.FloatField(null=True, blank=True)
    gravity = models.FloatField(null=True, blank=True)
    surface_pressure = models.FloatField(null=True, blank=True)
    description = models.CharField(max_length=500, blank=True, default="", db_default="")

    objects = CacheAsideManager()
    records = Records["Star"]()

    class Meta:
        db_table = "star"

    def __str__(self) -> str:
        return self.name


class Comet(models.Model):
    star = models.ForeignKey(Star, on_delete=models.CASCADE, related_name="comets")
    name = models.CharField(max_length=40)
    radius = models.FloatField(null=True, blank=True)

    objects = CacheAsideManager()

    class Meta:
        db_table = "comet"

    def __str__(self) -> str:
        return self.name


@receiver(post_save, sender=Star)
def star_saved(
    instance: Star, using: str, created: bool, update_fields: Any, **kwargs: Any
) -> None:
    """As a site does it that states on its signals what goes stale."""
    saved(instance, using, created=created, update_fields=update_fields)
    Star.records.saved(instance.pk, using)


@receiver(post_delete, sender=Star)
@receiver([post_save, post_delete], sender=Comet)
def star_deleted_or_comet_changed(instance: models.Model, using: str, **kwargs: Any) -> None:
    saved(instance, using)


class Everything(models.Model):
    """A field of every type that Django has."""

    boolean = models.BooleanField(null=True)
    small = models.SmallIntegerField(null=True)
    integer = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    real = models.FloatField(null=True)
    decimal = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    char = models.CharField(max_length=200, null=True)
    text = models.TextField(null=True)
    slug = models.SlugField(null=True)
    url = models.URLField(null=True)
    date = models.DateField(null=True)
    time = models.TimeField(null=True)
    datetime = models.DateTimeField(null=True)
    duration = models.DurationField(null=True)
    uuid = models.UUIDField(null=True, default=uuid.uuid4)
    binary = models.BinaryField(null=True)
    json = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    file = models.FileField(null=True)

    objects = CacheAsideManager()


class Tag(models.Model):
    word = models.CharField(max_length=30)

    objects = CacheAsideManager()


class Animal(models.Model):
    name = models.CharField(max_length=30)
    weight = models.IntegerField(default=0)
    tags = models.ManyToManyField(Tag, related_name="animals")
    mother = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    objects = CacheAsideManager()


class Bird(Animal):
    """Multi-table inheritance."""

    wingspan = models.IntegerField(default=0)

    objects = CacheAsideManager()


class Pet(Animal):
    """A proxy."""

    objects = CacheAsideManager()

    class Meta:
        proxy = True


class Recorded(models.Model):
    """Abstract, with records for each model that is made of it."""

    name = models.CharField(max_length=30)

    objects = CacheAsideManager()
    records = Records["Recorded"]()

    class Meta:
        abstract = True


class Keeper(Recorded):
    """Its records are declared on its base."""


class Visitor(models.Model):
    """Its records are its own."""

    name = models.CharField(max_length=30)

    records = Records["Visitor"]()


class Ticket(models.Model):
    """As somebody else's: it knows nothing of a cache."""

    price = models.IntegerField(default=0)
