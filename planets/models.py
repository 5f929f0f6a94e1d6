from django.db import models

from .managers import PlanetManager


class Planet(models.Model):
    name = models.CharField(max_length=30)

    objects = PlanetManager()

    class Meta:
        db_table = "planet"

    def __str__(self) -> str:
        return self.name
