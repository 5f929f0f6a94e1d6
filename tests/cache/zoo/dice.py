"""Random reads and writes: after each a page and a value are what the database would give."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.test import Client

from planets.cache import disabled, remember
from tests.cache.zoo.computed import ALL
from tests.cache.zoo.models import Comet, Star
from tests.support.sql import sql

Dice = random.Random


def save(dice: Dice) -> None:
    star = Star.objects.order_by("?").first()
    if star:
        star.mass = dice.random()
        star.save()


def update(dice: Dice) -> None:
    Star.objects.filter(pk=dice.randrange(1, 9)).update(mass=dice.random())


def update_many(dice: Dice) -> None:
    Star.objects.filter(kind="giant").update(mass=dice.random())


def delete(dice: Dice) -> None:
    Comet.objects.filter(star_id=dice.randrange(1, 9)).delete()
    Star.objects.filter(pk=900).delete()


def create(dice: Dice) -> None:
    Star.objects.update_or_create(pk=900, defaults={"name": "Nova", "mass": dice.random()})
    Comet.objects.create(star_id=dice.randrange(1, 9), name=f"C{dice.random()}")


def in_bulk(dice: Dice) -> None:
    stars = list(Star.objects.all())
    for star in stars:
        star.mass = dice.random()
    Star.objects.bulk_update(stars, ["mass"])


def by_sql(dice: Dice) -> None:
    sql("UPDATE star SET mass = %s WHERE id = %s", dice.random(), dice.randrange(1, 9))


def committed(dice: Dice) -> None:
    with transaction.atomic():
        update(dice)
        create(dice)
        check(dice)


def rolled_back(dice: Dice) -> None:
    with transaction.atomic():
        update(dice)
        delete(dice)
        check(dice)
        transaction.set_rollback(True)


def in_part(dice: Dice) -> None:
    with transaction.atomic():
        update(dice)
        with transaction.atomic():
            update_many(dice)
            transaction.set_rollback(True)


WRITES: list[Callable[[Dice], None]] = [
    save, update, update_many, delete, create, in_bulk, by_sql, committed, rolled_back, in_part,
]  # fmt: skip
VIEWS = [
    *([name] for name in ALL),
    ["record", "comets"], ["fetch", "join", "record"], ["nested", "plain"],
]  # fmt: skip


def view(names: list[str]) -> Any:
    return repr([ALL[name]() for name in names])


def check(dice: Dice) -> None:
    for names in dice.sample(VIEWS, 3):
        with disabled():
            right = view(names)
        assert kept(names) == right, names


def kept(names: list[str]) -> Any:
    return remember("view " + "+".join(names), lambda: view(names))


def run(seed: int) -> None:
    dice = Dice(seed)
    browser = Client()
    for _ in range(60):
        dice.choice(WRITES)(dice)
        for _ in range(2):
            check(dice)
            name = dice.choice(list(ALL))
            with disabled():
                right = repr(ALL[name]())
            assert browser.get(f"/read/{name}/").content.decode() == right, name
