from django.db import transaction

from planets.data.seed import seed
from planets.models import Moon, Planet

from ...cache.management.commands._cache import PlainCommand


class Command(PlainCommand):
    help = "Fill in the eight planets, their facts and their moons where they are missing."

    def handle(self, *args: object, **options: object) -> None:
        with transaction.atomic():
            done = seed(Planet, Moon)
        self.stdout.write(
            f"{done.planets_added} planets added, {done.planets_completed} completed, "
            f"{done.moons_added} moons added."
        )
