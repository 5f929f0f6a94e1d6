"""Every write made through Django makes what it touches stale, and nothing that it does not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, connections, models, transaction
from django.db.models import F
from django.test import Client as Browser
from django.test import TestCase

from planets.cache import disabled
from planets.cache.events import Fetch, Invalidation, invalidated
from planets.cache.writing.hooks import transaction_of
from planets.models import Moon, Planet
from planets.records import planet

from .interleave import elsewhere
from .zoo.models import Animal, Bird, Pet, Tag

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system", "redis"),
]

mysql = pytest.mark.mysql


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)


def unchecked(statement: str) -> None:
    """A statement past the foreign keys, which would refuse it and are no matter here."""
    with connection.constraint_checks_disabled():
        sql(statement)


def many(statement: str, rows: list[list[Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def get(pk: int = 3) -> Planet:
    return Planet.objects.get(pk=pk)


def save(**values: Any) -> None:
    earth = get()
    for name, value in values.items():
        setattr(earth, name, value)
    earth.save()


def in_bulk_update() -> None:
    rows = list(Planet.objects.filter(pk__in=[3, 4]))
    for row in rows:
        row.mass = 7.0
    Planet.objects.bulk_update(rows, ["mass"])


def by_the_admin(browser: Browser) -> None:
    form = browser.get("/admin/planets/planet/3/change/").context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {"name": "Terra", "moons-TOTAL_FORMS": 0, "moons-INITIAL_FORMS": 0}
    response = browser.post("/admin/planets/planet/3/change/", data)
    assert response.status_code == 302, response.context["errors"]


WRITES: dict[str, Callable[[], Any]] = {
    "save": lambda: save(name="Terra"),
    "save of one field": lambda: Planet(pk=3, name="Terra").save(update_fields=["name"]),
    "save of an F()": lambda: save(mass=F("mass") + 1),
    "create": lambda: Planet.objects.create(name="Pluto"),
    "delete": lambda: get().delete(),
    "delete of a queryset": lambda: Planet.objects.filter(pk__gt=6).delete(),
    "delete of all": lambda: Planet.objects.all().delete(),
    "update of one": lambda: Planet.objects.filter(pk=3).update(name="Terra"),
    "update of some": lambda: Planet.objects.filter(pk__in=[3, 4]).update(mass=1),
    "update by a condition": lambda: Planet.objects.filter(mass__gt=1).update(mass=1),
    "update through a join": lambda: Planet.objects.filter(moons__name="Io").update(mass=1),
    "update of all": lambda: Planet.objects.update(mass=F("mass") * 2),
    "update of the key": lambda: Planet.objects.filter(pk=2).update(id=9),
    "bulk_create": lambda: Planet.objects.bulk_create([Planet(name="A"), Planet(name="B")]),
    "bulk_create, ignoring": lambda: Planet.objects.bulk_create(
        [Planet(id=3, name="X"), Planet(id=10, name="B")], ignore_conflicts=True
    ),
    "bulk_create, updating": lambda: Planet.objects.bulk_create(
        [Planet(id=3, name="Terra")],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=None if connection.vendor == "mysql" else ["id"],
    ),
    "bulk_update": in_bulk_update,
    "get_or_create": lambda: Planet.objects.get_or_create(name="Pluto"),
    "update_or_create": lambda: Planet.objects.update_or_create(
        name="Earth", defaults={"mass": 1.0}
    ),
    "raw INSERT": lambda: sql("INSERT INTO planet (name) VALUES ('Pluto')"),
    "raw INSERT of many": lambda: many(
        "INSERT INTO planet (name) VALUES (%s)", [["Pluto"], ["Eris"]]
    ),
    "raw UPDATE": lambda: sql("UPDATE planet SET name = 'Terra' WHERE id = 3"),
    "raw UPDATE with a parameter": lambda: sql(
        "UPDATE planet SET name = %s WHERE id = %s", "Terra", 3
    ),
    "raw UPDATE with a parameter as text": lambda: sql(
        "UPDATE planet SET name = %s WHERE id = %s", "Terra", "3"
    ),
    "raw UPDATE of many": lambda: many(
        "UPDATE planet SET name = %s WHERE id = %s", [["Terra", 3], ["Ares", 4]]
    ),
    "raw UPDATE, odd case and comments": lambda: sql(
        "/* it */ uPdAtE planet\n SET name = 'Terra' WHERE mass > 1"
    ),
    "raw DELETE": lambda: sql("DELETE FROM planet WHERE id = 2"),
    "raw REPLACE": lambda: (
        sql("SET foreign_key_checks = 0" if connection.vendor == "mysql" else "PRAGMA user_version")
        or sql("REPLACE INTO planet (id, name) VALUES (3, 'Terra')")
    ),
    "loaddata": lambda: call_command("loaddata", "tests/terra.json", verbosity=0),
    "flush": lambda: call_command("flush", interactive=False, verbosity=0),
}
MYSQL_WRITES: dict[str, Callable[[], Any]] = {
    "raw UPDATE with a join": lambda: sql(
        "UPDATE planet p JOIN moon m ON m.planet_id = p.id SET p.mass = 1 WHERE m.name = 'Io'"
    ),
    "raw DELETE with a join": lambda: (
        sql("SET foreign_key_checks = 0")
        or sql("DELETE p FROM planet p JOIN moon m ON m.planet_id = p.id WHERE m.name = 'Io'")
    ),
    "raw TRUNCATE": lambda: unchecked("TRUNCATE TABLE planet"),
    "raw upsert": lambda: sql(
        "INSERT INTO planet (id, name) VALUES (3, 'Terra') ON DUPLICATE KEY UPDATE name = 'Terra'"
    ),
    "two statements in one": lambda: sql("SELECT 1; UPDATE planet SET mass = 1 WHERE id = 3"),
    "CALL": lambda: sql("CALL rename_earth()"),
    "callproc": lambda: connection.cursor().callproc("rename_earth"),
    "EXECUTE": lambda: [
        sql(part) for part in ("PREPARE it FROM 'UPDATE planet SET mass = 1'", "EXECUTE it")
    ],
    "by another database name": lambda: sql(
        f"UPDATE `{connection.settings_dict['NAME']}`.planet SET mass = 1"
    ),
}


def everything_read() -> dict[str, Any]:
    """What the site says of planets, by each road."""
    names = {p.pk: (p.name, p.mass) for p in Planet.objects.cached().order_by("id")}
    records = {pk: (p.name, p.mass) for pk in range(1, 13) if (p := planet(pk))}
    return {"queries": names, "records": records, "count": Planet.objects.cached().count()}


@pytest.mark.parametrize(
    "write",
    [
        *(pytest.param(write, id=name) for name, write in WRITES.items()),
        *(pytest.param(write, id=name, marks=mysql) for name, write in MYSQL_WRITES.items()),
    ],
)
@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "atomic"])
def test_a_write_is_seen_at_once(write: Callable[[], Any], atomic: bool) -> None:
    if connection.vendor == "mysql":
        sql("DROP PROCEDURE IF EXISTS rename_earth")
        sql("CREATE PROCEDURE rename_earth() UPDATE planet SET name = 'Terra' WHERE id = 3")
    before = everything_read()
    assert everything_read() == before  # from the cache
    if atomic:
        with transaction.atomic():
            write()
            with disabled():
                inside = everything_read()
            assert everything_read() == inside  # its own writes
    else:
        write()
    with disabled():
        truth = everything_read()
    assert truth != before, "this write changes nothing, so it proves nothing"
    assert everything_read() == truth
    assert everything_read() == truth


def test_the_admin_and_its_bulk_actions(admin_client: Browser) -> None:
    everything_read()
    by_the_admin(admin_client)
    assert everything_read()["records"][3][0] == "Terra"
    assert everything_read()["queries"][3][0] == "Terra"
    admin_client.post(
        "/admin/planets/planet/",
        {"action": "delete_selected", "_selected_action": [3, 4], "post": "yes"},
    )
    assert {3, 4}.isdisjoint(everything_read()["records"])
    assert everything_read()["count"] == 6


def test_relations_inheritance_and_proxies() -> None:
    owl = Bird.objects.create(name="Owl", wingspan=90)
    small = Tag.objects.create(word="small")

    def seen() -> list[Any]:
        return [
            [animal.name for animal in Animal.objects.cached().order_by("id")],
            [(bird.name, bird.wingspan) for bird in Bird.objects.cached().order_by("id")],
            [pet.name for pet in Pet.objects.cached().order_by("id")],
            list(Animal.objects.cached().filter(tags__word="small").values_list("name", flat=True)),
        ]

    def check(write: Callable[[], Any]) -> None:
        before = seen()
        assert seen() == before
        write()
        with disabled():
            truth = seen()
        assert truth != before
        assert seen() == truth

    check(lambda: owl.tags.add(small))
    check(lambda: owl.tags.clear())
    check(lambda: owl.tags.set([small]))
    check(lambda: Bird.objects.filter(pk=owl.pk).update(wingspan=1, name="Eagle"))
    check(lambda: Pet.objects.filter(pk=owl.pk).update(name="Pet"))
    check(lambda: Animal.objects.create(name="Chick", mother=owl))
    check(lambda: owl.delete())  # and its child by the cascade


def test_a_migration_counts() -> None:
    everything_read()
    with connection.schema_editor() as editor:
        field = models.IntegerField(null=True)
        field.set_attributes_from_name("extra")
        editor.add_field(Planet, field)
    events: list[Fetch] = []
    from planets.cache import fetched

    hear = lambda event, **kwargs: events.append(event)  # noqa: E731
    fetched.connect(hear)
    Planet.objects.cached().count()
    fetched.disconnect(hear)
    assert events[0].outcome == "miss"
    with connection.schema_editor() as editor:
        editor.remove_field(Planet, field)


def test_what_cannot_be_understood_invalidates_everything_and_says_so_once(
    caplog: Any, redis: Any
) -> None:
    Moon.objects.cached().count()
    statement = "ANALYZE TABLE moon" if connection.vendor == "mysql" else "ANALYZE moon"
    from planets.cache.writing import hooks

    hooks._told.clear()
    with caplog.at_level(logging.WARNING, "planets.cache.writing.hooks"):
        sql(statement)
        sql(statement)
    assert len(caplog.records) == 1
    assert "Everything is invalidated" in caplog.text
    assert statement in caplog.text
    assert not redis.exists("gen:default:*")


def test_a_write_to_one_table_leaves_the_others(events: list[Fetch]) -> None:
    everything_read()
    Moon.objects.cached().count()
    events.clear()
    Moon.objects.filter(name="Io").update(radius=1)
    everything_read()
    assert {event.outcome for event in events} == {"hit"}
    Moon.objects.cached().count()
    assert events[-1].outcome == "miss"


def test_nothing_is_done_twice(round_trips: list[list[str]]) -> None:
    earth = get()
    heard: list[Invalidation] = []
    hear = lambda event, **kwargs: heard.append(event)  # noqa: E731
    invalidated.connect(hear)
    round_trips.clear()
    earth.save()
    assert len(round_trips) == 2
    with transaction.atomic():
        earth.save()
        earth.save()
        Planet.objects.filter(pk=3).update(mass=1)
    assert len(round_trips) == 4
    Planet.objects.create(name="Pluto")
    assert len(round_trips) == 6
    invalidated.disconnect(hear)
    assert [set(event.keys) for event in heard] == [
        {"gen:default:planet", "planet:3"},
        {"gen:default:planet", "planet:3"},
        {"gen:default:planet"},
    ]


def test_a_rollback_changes_nothing(events: list[Fetch]) -> None:
    before = everything_read()
    with transaction.atomic():
        Planet.objects.all().update(mass=0)
        transaction.set_rollback(True)
    assert everything_read() == before
    events.clear()
    assert everything_read() == before
    assert {event.outcome for event in events} == {"hit"}


def test_a_failing_statement_leaves_its_gates_open(redis: Any) -> None:
    with pytest.raises(IntegrityError):
        Planet.objects.create(id=3, name="Another")
    assert not redis.exists("gen:default:planet")
    with pytest.raises(IntegrityError), transaction.atomic():
        Planet.objects.create(id=3, name="Another")
    assert not redis.exists("gen:default:planet")


def test_nested_and_durable_transactions() -> None:
    everything_read()
    with transaction.atomic(durable=True):
        with transaction.atomic():
            save(name="A")
            with transaction.atomic():
                save(name="B")
                transaction.set_rollback(True)
            assert planet(3).name == "A"  # type: ignore[union-attr]
        assert elsewhere(lambda: planet(3)).name == "Earth" if connection.vendor == "mysql" else 1
    assert planet(3).name == "A"  # type: ignore[union-attr]


def test_a_broken_transaction_answers_as_django_does() -> None:
    everything_read()
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            planet(3)
        with pytest.raises(transaction.TransactionManagementError):
            Planet.objects.cached().count()


@mysql
def test_manual_transactions_and_implicit_commits() -> None:
    for end in (
        lambda: connection.commit(),
        lambda: connection.set_autocommit(True),
        lambda: sql("COMMIT"),
    ):
        save(name="Earth")
        everything_read()
        connection.set_autocommit(False)
        try:
            save(name="Terra")
            assert planet(3).name == "Terra"  # type: ignore[union-attr]
            assert elsewhere(lambda: planet(3)).name == "Earth"
            end()
        finally:
            connection.set_autocommit(True)
        assert planet(3).name == "Terra"  # type: ignore[union-attr]
        assert elsewhere(lambda: planet(3)).name == "Terra"

    connection.set_autocommit(False)
    try:
        save(name="never")
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert planet(3).name == "Terra"  # type: ignore[union-attr]


@mysql
def test_a_transaction_begun_by_hand() -> None:
    everything_read()
    sql("BEGIN")
    sql("UPDATE planet SET name = 'Terra' WHERE id = 3")
    assert elsewhere(lambda: planet(3)).name == "Earth"
    sql("COMMIT")
    assert elsewhere(lambda: planet(3)).name == "Terra"
    assert planet(3).name == "Terra"  # type: ignore[union-attr]


@mysql
def test_a_connection_that_drops_in_a_transaction(redis: Any) -> None:
    everything_read()

    def drop() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            (number,) = cursor.fetchone()
        with pytest.raises(OperationalError), transaction.atomic():  # noqa: PT012
            save(name="never")
            elsewhere(lambda: sql(f"KILL {number}"))
            save(name="never again")

    elsewhere(drop)
    assert planet(3).name == "Earth"  # type: ignore[union-attr]
    assert redis.get("gen:default:planet").startswith("o:")


@mysql
def test_a_commit_without_an_answer_keeps_its_gates_closed(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the server has committed, or will, nobody knows."""
    everything_read()

    def lose_the_answer() -> None:
        own = connections["default"]
        with pytest.raises(OperationalError), transaction.atomic():  # noqa: PT012
            save(name="Terra")
            committed = own._commit

            def commit_and_drop() -> None:
                committed()
                own.connection.close()
                raise OperationalError(2013, "Lost connection")

            own._commit = commit_and_drop

    elsewhere(lose_the_answer)
    assert redis.get("gen:default:planet").startswith("w:")
    assert planet(3).name == "Terra"  # type: ignore[union-attr]
    assert everything_read()["queries"][3][0] == "Terra"


@mysql
@pytest.mark.parametrize("level", ["read uncommitted", "repeatable read", "serializable"])
def test_other_isolation_levels_are_right_too(level: str) -> None:
    everything_read()

    def run() -> None:
        own = connections["default"]
        options = {**own.settings_dict["OPTIONS"], "isolation_level": level}
        own.settings_dict = {**own.settings_dict, "OPTIONS": options}
        with transaction.atomic():
            save(name="Terra")
            assert planet(3).name == "Terra"  # type: ignore[union-attr]
        assert planet(3).name == "Terra"  # type: ignore[union-attr]

    elsewhere(run)
    assert everything_read()["records"][3][0] == "Terra"


@mysql
def test_read_uncommitted_keeps_nothing_of_what_may_be_rolled_back(redis: Any) -> None:
    def run() -> None:
        own = connections["default"]
        options = {**own.settings_dict["OPTIONS"], "isolation_level": "read uncommitted"}
        own.settings_dict = {**own.settings_dict, "OPTIONS": options}
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        everything_read()

    with transaction.atomic():
        save(name="never")
        redis.flushdb()
        elsewhere(run)
        transaction.set_rollback(True)
    assert everything_read()["records"][3][0] == "Earth"
    assert everything_read()["queries"][3][0] == "Earth"


@mysql
def test_a_level_set_by_hand_is_noticed() -> None:
    everything_read()

    def run() -> None:
        sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic():
            list(Planet.objects.all())
            elsewhere(lambda: save(name="Terra"))
            everything_read()

    elsewhere(run)
    assert everything_read()["queries"][3][0] == "Terra"


def test_atomic_requests(settings: Any, admin_client: Browser) -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        everything_read()
        by_the_admin(admin_client)
        assert b"Terra" in admin_client.get("/").content
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


class InsideOfATestCase(TestCase):
    """A user's own tests: one transaction that never commits."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.pluto = Planet.objects.create(name="Pluto")

    def test_reads_see_its_own_writes(self) -> None:
        for name in ("Charon", "Nix"):
            self.pluto.name = name
            self.pluto.save()
            assert planet(self.pluto.pk).name == name  # type: ignore[union-attr]
            assert Planet.objects.cached().get(pk=self.pluto.pk).name == name

    def test_and_nothing_of_them_is_left(self) -> None:
        assert planet(self.pluto.pk).name == "Pluto"  # type: ignore[union-attr]


def test_two_aliases_of_one_database_share_their_gates() -> None:
    from planets.cache.storage import keys

    keys.database.cache_clear()
    keys.gate.cache_clear()
    connections.settings["again"] = {**connections.settings["default"]}
    try:
        assert keys.gate("again", "Planet") == "gen:default:planet"
    finally:
        del connections.settings["again"]
        keys.database.cache_clear()
        keys.gate.cache_clear()


def test_tables_that_change_with_another(settings: Any, events: list[Fetch]) -> None:
    settings.CACHE_ASIDE = {"ALSO": {"planet": ["zoo_animal"]}}
    Animal.objects.cached().count()
    save(name="Terra")
    Animal.objects.cached().count()
    assert [event.outcome for event in events] == ["miss", "miss"]


def test_state_ends_with_its_thread() -> None:
    names: list[str] = []

    def run() -> None:
        state = transaction_of(connection)
        names.append("fresh" if state is None or not state.pending else "left over")
        connections.close_all()

    with transaction.atomic():
        save(name="Terra")
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert names == ["fresh"]
    assert User.objects.count() == 0
