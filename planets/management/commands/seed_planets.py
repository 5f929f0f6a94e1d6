from django.core.management.base import BaseCommand
from django.db import transaction

from planets.data.seed import seed
from planets.models import Moon, Planet


class Command(BaseCommand):
    help = "Fill in the eight planets, their facts and their moons where they are missing."

    def handle(self, *args: object, **options: object) -> None:
        with transaction.atomic():
            done = seed(Planet, Moon)
        self.stdout.write(
            f"{done.planets_added} planets added, {done.planets_completed} completed, "
            f"{done.moons_added} moons added."
        )
