"""A small site with eight things wrong."""

from __future__ import annotations

from django.db.models import F

from tests.cache.lab.traffic import Traffic, in_one_page
from tests.cache.zoo.models import Animal, Comet, Star, Tag

ROWS = 20_000  # of which a scan takes some ms


def fill() -> None:
    Comet.objects.bulk_create(
        [Comet(star_id=3, name=f"C/{number:05}", radius=number) for number in range(ROWS)],
        batch_size=5_000,
    )
    Animal.objects.bulk_create(
        [Animal(name=f"No. {number:05}") for number in range(ROWS)], batch_size=5_000
    )


def search(part: int) -> None:
    """Slow, asked for a dozen parameters, and not cached."""
    Comet.objects.filter(name__contains=f"/{part:02}").count()


def seldom_twice(number: int) -> None:
    """Cached, and hardly ever asked again."""
    Tag.objects.cached().filter(pk=number).first()


def short_lived(part: int) -> None:
    """Slow, cached, and gone before it is asked again."""
    Comet.objects.cached(ttl=0.1).filter(name__endswith=part, radius__gte=0).count()


def written_often(part: int) -> None:
    """Slow, on a table whose rows are saved all the time."""
    Animal.objects.filter(name__contains=part).count()


def viewed(part: int) -> None:
    """Slow, on a table of which one column is written all the time."""
    Comet.objects.filter(name__contains=part, star__kind="giant").count()


def one(number: int) -> None:
    """A row at a time, eight times in a page."""
    Comet.objects.get(pk=number)


def everything(_: int) -> None:
    """Cached, if it were not for its size."""
    list(Comet.objects.cached().order_by("pk")[:5_000])


def by_radius(radius: int) -> None:
    """A column without an index."""
    list(Comet.objects.filter(radius=radius))


def save_an_animal() -> None:
    Animal.objects.get(name="No. 00000").save()


def view_a_star() -> None:
    Star.objects.filter(pk=3).update(position=F("position") + 0)


def visit() -> None:
    """An hour's visitors, in some seconds."""
    first = Comet.objects.order_by("pk").values_list("pk", flat=True)[0]
    Traffic(search, range(12), 100, skew=0).run()
    Traffic(seldom_twice, range(1_000), 200, skew=0).run()
    Traffic(short_lived, range(3), 60, seconds=2).run()
    Traffic(written_often, range(3), 40, save_an_animal, 1).run()
    Traffic(viewed, range(3), 40, view_a_star, 1).run()
    for page in range(5):
        in_one_page(lambda page=page: [one(first + 8 * page + place) for place in range(8)])
    Traffic(everything, calls=20).run()
    Traffic(by_radius, range(1_000), 40, skew=0).run()
