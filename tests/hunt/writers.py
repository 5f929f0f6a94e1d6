"""The processes of a hunt that write."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from planets.cache.storage.client import client
from planets.cache.writing.hooks import transaction_of
from planets.cache.writing.stale import Touched
from planets.models import Moon, Planet
from planets.records import planet

from ..cache.zoo.models import Tag
from .board import Board, Diary
from .readers import Judge, set_off


class Writer:
    """Writes its own rows, and those that all write in turn; publishes what has landed."""

    def __init__(self, board: Board, number: int, seed: int) -> None:
        self.board, self.number = board, number
        self.dice = random.Random(f"writer {number} {seed}")
        self.judge = Judge(board, board.readers + number, f"writer-{number}")
        self.diary = Diary(board, f"writer {number}")
        self.owned = board.owned(number)
        self.base = board.base(number)
        self.start_anew()

    def start_anew(self) -> None:
        """What is in the database is where to go on from."""
        connection.close()
        planets = Planet.objects.filter(pk__in=self.owned)
        self.mass = {row.pk: row.mass or 0.0 for row in planets}
        moons = Moon.objects.filter(planet_id__in=self.owned)
        self.radius = {row.planet_id: row.radius or 0.0 for row in moons}
        self.tags = Tag.objects.filter(word=str(self.number)).count()
        mine = Planet.objects.filter(pk__gt=self.base, pk__lt=self.base + 1_000_000)
        last = mine.order_by("-pk").first()
        self.born = last.pk - self.base if last else int(self.board.deleted[self.number])
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            self.board.connection[self.number] = cursor.fetchone()[0]

    @contextlib.contextmanager
    def one_write(self) -> Iterator[None]:
        """For a killed writer: since when, and whether its gates were closed."""
        board, number = self.board, self.number
        board.closed[number], board.began[number] = 1, time.monotonic()
        yield
        board.writes[number] += 1
        if client.debt:
            board.owed[number] += 1

    def landed(self) -> None:
        """Returns when this process owes nothing."""
        while client.debt:
            time.sleep(0.002)

    def publish(self, planets: dict[int, float], moons: dict[int, float]) -> None:
        self.judge_own(planets)
        self.mass.update({pk: n for pk, n in planets.items() if pk in self.owned})
        self.radius.update(moons)
        self.landed()
        for pk, number in planets.items():
            self.board.planets[pk - 1] = max(number, self.board.planets[pk - 1])
        for pk, number in moons.items():
            self.board.moons[pk - 1] = number
        self.diary.note(f"published {planets} {moons}")

    def judge_own(self, planets: dict[int, float]) -> None:
        """The writer itself sees what it wrote at once, whatever it owes."""
        began = time.monotonic()
        for pk, number in planets.items():
            listed = dict(Planet.objects.cached().filter(pk__lte=8).values_list("pk", "mass"))
            found = planet(pk)
            self.judge.judge(
                [
                    (f"its own planet {pk} in a list", number, listed[pk] or 0),
                    (f"its own planet {pk}", number, found.mass or 0 if found else -1),
                ],
                began,
            )

    # --- the ways to write

    def write(self, how: Callable[[int, float], Any]) -> None:
        pk = self.dice.choice(self.owned)
        number = self.mass[pk] + 1
        self.diary.note(f"planet {pk} = {number:g} by {how.__name__}")
        with self.one_write():
            how(pk, number)
        self.publish({pk: number}, {})

    def save(self) -> None:
        def save(pk: int, number: float) -> None:
            row = Planet.objects.get(pk=pk)
            row.mass = number
            row.save()

        self.write(save)

    def update(self) -> None:
        def update(pk: int, number: float) -> None:
            Planet.objects.filter(pk=pk).update(mass=number)

        self.write(update)

    def upsert(self) -> None:
        def upsert(pk: int, number: float) -> None:
            Planet.objects.bulk_create(
                [Planet(id=pk, name=f"P{pk}", mass=number)],
                update_conflicts=True,
                update_fields=["mass"],
            )

        self.write(upsert)

    def raw(self) -> None:
        def raw(pk: int, number: float) -> None:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE planet SET mass = %s WHERE id = %s", [number, pk])

        self.write(raw)

    def by_hand(self) -> None:
        def by_hand(pk: int, number: float) -> None:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute(f"UPDATE planet SET mass = {number} WHERE name = 'P{pk}'")
                cursor.execute("COMMIT")

        self.write(by_hand)

    def nested(self) -> None:
        """A savepoint that is rolled back in a transaction that commits."""

        def nested(pk: int, number: float) -> None:
            with transaction.atomic():
                with transaction.atomic():
                    Planet.objects.filter(pk=pk).update(mass=number + 0.5)
                    transaction.set_rollback(True)
                Planet.objects.filter(pk=pk).update(mass=number)

        self.write(nested)

    def in_bulk(self) -> None:
        number = max(self.mass.values()) + 1
        self.diary.note(f"planets {self.owned} = {number:g} in bulk")
        with self.one_write():
            if self.dice.random() < 0.5:
                Planet.objects.filter(position=self.number).update(mass=number)
            else:
                found = list(Planet.objects.filter(pk__in=self.owned))
                for row in found:
                    row.mass = number
                Planet.objects.bulk_update(found, ["mass"])
        self.publish(dict.fromkeys(self.owned, number), {})

    def joined(self) -> None:
        pk = self.dice.choice(self.owned)
        number = max(self.mass[pk], self.radius[pk]) + 1
        self.diary.note(f"planet {pk} and its moon = {number:g} joined")
        with self.one_write(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE planet p JOIN moon m ON m.planet_id = p.id "
                "SET p.mass = %s, m.radius = %s WHERE p.id = %s",
                [number, number, pk],
            )
        self.publish({pk: number}, {pk: number})

    def both_in_a_transaction(self) -> None:
        pk = self.dice.choice(self.owned)
        number = max(self.mass[pk], self.radius[pk]) + 1
        self.diary.note(f"planet {pk} and its moon = {number:g} in a transaction")
        with self.one_write(), transaction.atomic():
            Moon.objects.filter(planet_id=pk).update(radius=number)
            Planet.objects.filter(pk=pk).update(mass=number)
        self.publish({pk: number}, {pk: number})

    def in_turn(self) -> None:
        pk = self.dice.choice(self.board.shared())
        with self.one_write(), transaction.atomic():
            row = Planet.objects.select_for_update().get(pk=pk)
            row.mass = number = (row.mass or 0) + 1
            row.save()
        self.diary.note(f"planet {pk} = {number:g} in turn")
        self.publish({pk: number}, {})

    def roll_back(self) -> None:
        pk = self.dice.choice(self.owned)
        never = self.mass[pk] + 0.5
        self.diary.note(f"planet {pk} = {never:g} never")
        with self.one_write(), transaction.atomic():
            Planet.objects.filter(pk=pk).update(mass=never)
            found = planet(pk)
            assert found
            assert found.mass == never, "a transaction sees its own writes"
            transaction.set_rollback(True)
        self.judge.last.clear()

    def count(self) -> None:
        with self.one_write():
            Tag.objects.create(word=str(self.number))
        self.tags += 1
        self.landed()
        self.board.tags[self.number] = self.tags

    def create(self) -> None:
        self.born += 1
        self.diary.note(f"planet {self.base + self.born} created")
        with self.one_write():
            Planet.objects.create(id=self.base + self.born, name="new")
        self.landed()
        self.board.created[self.number] = self.born

    def delete(self) -> None:
        oldest = int(self.board.deleted[self.number]) + 1
        if oldest + 3 > self.born:
            return self.create()
        self.diary.note(f"planet {self.base + oldest} deleted")
        with self.one_write():
            Planet.objects.filter(pk=self.base + oldest).delete()
        self.landed()
        self.board.deleted[self.number] = oldest
        return None

    WAYS = (
        save, update, update, upsert, raw, by_hand, nested, in_bulk, joined,
        both_in_a_transaction, in_turn, in_turn, roll_back, count, create, delete,
    )  # fmt: skip


def write_until_stopped(board: Board, number: int, seed: int, naive: str) -> None:
    set_off(naive)
    close, open_ = Touched.close, Touched.open

    def fatal_open(self: Touched, writer: str, by: Any = None) -> None:
        if board.condemned[number]:
            os.kill(os.getpid(), signal.SIGKILL)
        open_(self, writer, by)

    def noted_close(self: Touched, writer: str) -> Any:
        landed = close(self, writer)
        if not landed:
            board.closed[number] = 0
        return landed

    Touched.close = noted_close  # type: ignore[method-assign]
    Touched.open = fatal_open  # type: ignore[method-assign]
    writer = Writer(board, number, seed)
    while not board.stopping.value:
        time.sleep(writer.dice.uniform(0, 0.03))
        if board.quiet.value:
            continue
        try:
            writer.dice.choice(Writer.WAYS)(writer)
        except (DatabaseError, InterfaceError) as error:
            # Its connection was cut, or two writers were in each other's way.
            writer.diary.note(f"failed: {error}")
            writer.judge.last.clear()
            writer.start_anew()
    state = transaction_of(connection)
    assert state
    assert not state.pending, "nothing is left closed"
    connections.close_all()
