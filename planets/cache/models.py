"""What the admin's pages, their permissions and their log entries hang on. It has no table."""

from __future__ import annotations

from django.db import models


class Nothing(models.Manager["Cache"]):
    """Asks no table: dumpdata reads all models, and this one has none."""

    def get_queryset(self) -> models.QuerySet[Cache]:
        return super().get_queryset().none()


class Cache(models.Model):
    """A key of the cache."""

    key = models.CharField(primary_key=True, max_length=255)

    objects = Nothing()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = (("invalidate_cache", "Can invalidate the cache"),)
        verbose_name = "cache key"
        verbose_name_plural = "cache"

    def __str__(self) -> str:
        return self.key
