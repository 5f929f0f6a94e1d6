"""Models of every shape that the site itself has none of."""

from __future__ import annotations

import uuid

from django.db import models

from planets.cache import CacheAsideManager


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
