from django.db import models


class PlanetQuerySet(models.QuerySet):
    """The site's queries on planets, by name."""


PlanetManager = models.Manager.from_queryset(PlanetQuerySet)
