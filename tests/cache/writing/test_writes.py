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
from planets.cache.storage import keys
from planets.cache.writing.hooks import transaction_of
from tests.cache.zoo.models import Animal, Bird, Comet, Pet, Star, Tag
from tests.cache.zoo.records import star
from tests.support.interleave import elsewhere
from tests.support.sql import sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]

mysql = pytest.mark.mysql


def unchecked(statement: str) -> None:
    """A statement past the foreign keys, which would refuse it and are no matter here."""
    with connection.constraint_checks_disabled():
        sql(statement)


def many(statement: str, rows: list[list[Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def get(pk: int = 3) -> Star:
    return Star.objects.get(pk=pk)


def save(**values: Any) -> None:
    electra = get()
    for name, value in values.items():
        setattr(electra, name, value)
    electra.save()


def in_bulk_update() -> None:
    rows = list(Star.objects.filter(pk__in=[3, 4]))
    for row in rows:
        row.mass = 7.0
    Star.objects.bulk_update(rows, ["mass"])


def by_the_admin(browser: Browser) -> None:
    form = browser.get("/admin/zoo/star/3/change/").context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {"name": "Taygeta", "comets-TOTAL_FORMS": 0, "comets-INITIAL_FORMS": 0}
    response = browser.post("/admin/zoo/star/3/change/", data)
    assert response.status_code == 302, response.context["errors"]


WRITES: dict[str, Callable[[], Any]] = {
    "save": lambda: save(name="Taygeta"),
    "save of one field": lambda: Star(pk=3, name="Taygeta").save(update_fields=["name"]),
    "save of an F()": lambda: save(mass=F("mass") + 1),
    "create": lambda: Star.objects.create(name="Polaris"),
    "delete": lambda: get().delete(),
    "delete of a queryset": lambda: Star.objects.filter(pk__gt=6).delete(),
    "delete of all": lambda: Star.objects.all().delete(),
    "update of one": lambda: Star.objects.filter(pk=3).update(name="Taygeta"),
    "update of some": lambda: Star.objects.filter(pk__in=[3, 4]).update(mass=1),
    "update by a condition": lambda: Star.objects.filter(mass__gt=1).update(mass=1),
    "update through a join": lambda: Star.objects.filter(comets__name="Encke").update(mass=1),
    "update of all": lambda: Star.objects.update(mass=F("mass") * 2),
    "update of the key": lambda: Star.objects.filter(pk=2).update(id=9),
    "bulk_create": lambda: Star.objects.bulk_create([Star(name="A"), Star(name="B")]),
    "bulk_create, ignoring": lambda: Star.objects.bulk_create(
        [Star(id=3, name="X"), Star(id=10, name="B")], ignore_conflicts=True
    ),
    "bulk_create, updating": lambda: Star.objects.bulk_create(
        [Star(id=3, name="Taygeta")],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=None if connection.vendor == "mysql" else ["id"],
    ),
    "bulk_update": in_bulk_update,
    "get_or_create": lambda: Star.objects.get_or_create(name="Polaris"),
    "update_or_create": lambda: Star.objects.update_or_create(
        name="Electra", defaults={"mass": 1.0}
    ),
    "raw INSERT": lambda: sql("INSERT INTO star (name) VALUES ('Polaris')"),
    "raw INSERT of many": lambda: many(
        "INSERT INTO star (name) VALUES (%s)", [["Polaris"], ["Enif"]]
    ),
    "raw UPDATE": lambda: sql("UPDATE star SET name = 'Taygeta' WHERE id = 3"),
    "raw UPDATE with a parameter": lambda: sql(
        "UPDATE star SET name = %s WHERE id = %s", "Taygeta", 3
    ),
    "raw UPDATE with a parameter as text": lambda: sql(
        "UPDATE star SET name = %s WHERE id = %s", "Taygeta", "3"
    ),
    "raw UPDATE of many": lambda: many(
        "UPDATE star SET name = %s WHERE id = %s", [["Taygeta", 3], ["Alcor", 4]]
    ),
    "raw UPDATE, odd case and comments": lambda: sql(
        "/* it */ uPdAtE star\n SET name = 'Taygeta' WHERE mass > 1"
    ),
    "raw DELETE": lambda: sql("DELETE FROM star WHERE id = 2"),
    "raw REPLACE": lambda: (
        sql("SET foreign_key_checks = 0" if connection.vendor == "mysql" else "PRAGMA user_version")
        or sql("REPLACE INTO star (id, name) VALUES (3, 'Taygeta')")
    ),
    "loaddata": lambda: call_command("loaddata", "taygeta", verbosity=0),
    "flush": lambda: call_command("flush", interactive=False, verbosity=0),
}
MYSQL_WRITES: dict[str, Callable[[], Any]] = {
    "raw UPDATE with a join": lambda: sql(
        "UPDATE star p JOIN comet m ON m.star_id = p.id SET p.mass = 1 WHERE m.name = 'Encke'"
    ),
    "raw DELETE with a join": lambda: (
        sql("SET foreign_key_checks = 0")
        or sql("DELETE p FROM star p JOIN comet m ON m.star_id = p.id WHERE m.name = 'Encke'")
    ),
    "raw TRUNCATE": lambda: unchecked("TRUNCATE TABLE star"),
    "raw upsert": lambda: sql(
        "INSERT INTO star (id, name) VALUES (3, 'Taygeta') ON DUPLICATE KEY UPDATE name = 'Taygeta'"
    ),
    "two statements in one": lambda: sql("SELECT 1; UPDATE star SET mass = 1 WHERE id = 3"),
    "CALL": lambda: sql("CALL rename_electra()"),
    "callproc": lambda: connection.cursor().callproc("rename_electra"),
    "EXECUTE": lambda: [
        sql(part) for part in ("PREPARE it FROM 'UPDATE star SET mass = 1'", "EXECUTE it")
    ],
    "by another database name": lambda: sql(
        f"UPDATE `{connection.settings_dict['NAME']}`.star SET mass = 1"
    ),
}


def everything_read() -> dict[str, Any]:
    """What is known of stars, by each road."""
    names = {p.pk: (p.name, p.mass) for p in Star.objects.cached().order_by("id")}
    records = {pk: (p.name, p.mass) for pk in range(1, 13) if (p := star(pk))}
    return {"queries": names, "records": records, "count": Star.objects.cached().count()}


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
        sql("DROP PROCEDURE IF EXISTS rename_electra")
        sql("CREATE PROCEDURE rename_electra() UPDATE star SET name = 'Taygeta' WHERE id = 3")
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


def test_the_admin_and_its_bulk_actions(zoo_pages: None, admin_client: Browser) -> None:
    everything_read()
    by_the_admin(admin_client)
    assert everything_read()["records"][3][0] == "Taygeta"
    assert everything_read()["queries"][3][0] == "Taygeta"
    admin_client.post(
        "/admin/zoo/star/",
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
        editor.add_field(Star, field)
    events: list[Fetch] = []
    from planets.cache import fetched

    hear = lambda event, **kwargs: events.append(event)  # noqa: E731
    fetched.connect(hear)
    Star.objects.cached().count()
    fetched.disconnect(hear)
    assert events[0].outcome == "miss"
    with connection.schema_editor() as editor:
        editor.remove_field(Star, field)


def test_what_cannot_be_understood_invalidates_everything_and_says_so_once(
    caplog: Any, redis: Any
) -> None:
    Comet.objects.cached().count()
    statement = "ANALYZE TABLE comet" if connection.vendor == "mysql" else "ANALYZE comet"
    from planets.cache.writing import hooks

    hooks._told.clear()
    with caplog.at_level(logging.WARNING, "planets.cache.writing.hooks"):
        sql(statement)
        sql(statement)
    assert len(caplog.records) == 1
    assert "Everything is invalidated" in caplog.text
    assert statement in caplog.text
    assert not redis.exists(keys.database_gate("default"))


def test_a_write_to_one_table_leaves_the_others(events: list[Fetch]) -> None:
    everything_read()
    Comet.objects.cached().count()
    events.clear()
    Comet.objects.filter(name="Encke").update(radius=1)
    everything_read()
    assert {event.outcome for event in events} == {"hit"}
    Comet.objects.cached().count()
    assert events[-1].outcome == "miss"


def test_nothing_is_done_twice(round_trips: list[list[str]]) -> None:
    electra = get()
    heard: list[Invalidation] = []
    hear = lambda event, **kwargs: heard.append(event)  # noqa: E731
    invalidated.connect(hear)
    round_trips.clear()
    electra.save()
    assert len(round_trips) == 2
    with transaction.atomic():
        electra.save()
        electra.save()
        Star.objects.filter(pk=3).update(mass=1)
    assert len(round_trips) == 4
    Star.objects.create(name="Polaris")
    assert len(round_trips) == 6
    invalidated.disconnect(hear)
    assert [set(event.keys) for event in heard] == [
        {keys.gate("default", "star"), "star:3"},
        {keys.gate("default", "star"), "star:3"},
        {keys.gate("default", "star")},
    ]


def test_a_rollback_changes_nothing(events: list[Fetch]) -> None:
    before = everything_read()
    with transaction.atomic():
        Star.objects.all().update(mass=0)
        transaction.set_rollback(True)
    assert everything_read() == before
    events.clear()
    assert everything_read() == before
    assert {event.outcome for event in events} == {"hit"}


def test_a_failing_statement_leaves_its_gates_open(redis: Any) -> None:
    with pytest.raises(IntegrityError):
        Star.objects.create(id=3, name="Another")
    assert not redis.exists(keys.gate("default", "star"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Star.objects.create(id=3, name="Another")
    assert not redis.exists(keys.gate("default", "star"))


def test_nested_and_durable_transactions() -> None:
    everything_read()
    with transaction.atomic(durable=True):
        with transaction.atomic():
            save(name="A")
            with transaction.atomic():
                save(name="B")
                transaction.set_rollback(True)
            assert star(3).name == "A"  # type: ignore[union-attr]
        assert elsewhere(lambda: star(3)).name == "Electra" if connection.vendor == "mysql" else 1
    assert star(3).name == "A"  # type: ignore[union-attr]


def test_a_broken_transaction_answers_as_django_does() -> None:
    everything_read()
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            star(3)
        with pytest.raises(transaction.TransactionManagementError):
            Star.objects.cached().count()


@mysql
def test_manual_transactions_and_implicit_commits() -> None:
    for end in (
        lambda: connection.commit(),
        lambda: connection.set_autocommit(True),
        lambda: sql("COMMIT"),
    ):
        save(name="Electra")
        everything_read()
        connection.set_autocommit(False)
        try:
            save(name="Taygeta")
            assert star(3).name == "Taygeta"  # type: ignore[union-attr]
            assert elsewhere(lambda: star(3)).name == "Electra"
            end()
        finally:
            connection.set_autocommit(True)
        assert star(3).name == "Taygeta"  # type: ignore[union-attr]
        assert elsewhere(lambda: star(3)).name == "Taygeta"

    connection.set_autocommit(False)
    try:
        save(name="never")
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert star(3).name == "Taygeta"  # type: ignore[union-attr]


@mysql
def test_a_transaction_begun_by_hand() -> None:
    everything_read()
    sql("BEGIN")
    sql("UPDATE star SET name = 'Taygeta' WHERE id = 3")
    assert elsewhere(lambda: star(3)).name == "Electra"
    sql("COMMIT")
    assert elsewhere(lambda: star(3)).name == "Taygeta"
    assert star(3).name == "Taygeta"  # type: ignore[union-attr]


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
    assert star(3).name == "Electra"  # type: ignore[union-attr]
    assert redis.get(keys.gate("default", "star")).startswith("o:")


@mysql
def test_a_commit_without_an_answer_keeps_its_gates_closed(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the server has committed, or will, nobody knows."""
    everything_read()

    def lose_the_answer() -> None:
        own = connections["default"]
        with pytest.raises(OperationalError), transaction.atomic():  # noqa: PT012
            save(name="Taygeta")
            committed = own._commit

            def commit_and_drop() -> None:
                committed()
                own.connection.close()
                raise OperationalError(2013, "Lost connection")

            own._commit = commit_and_drop

    elsewhere(lose_the_answer)
    assert redis.get(keys.gate("default", "star")).startswith("w:")
    assert star(3).name == "Taygeta"  # type: ignore[union-attr]
    assert everything_read()["queries"][3][0] == "Taygeta"


@mysql
@pytest.mark.parametrize("level", ["read uncommitted", "repeatable read", "serializable"])
def test_other_isolation_levels_are_right_too(level: str) -> None:
    everything_read()

    def run() -> None:
        own = connections["default"]
        options = {**own.settings_dict["OPTIONS"], "isolation_level": level}
        own.settings_dict = {**own.settings_dict, "OPTIONS": options}
        with transaction.atomic():
            save(name="Taygeta")
            assert star(3).name == "Taygeta"  # type: ignore[union-attr]
        assert star(3).name == "Taygeta"  # type: ignore[union-attr]

    elsewhere(run)
    assert everything_read()["records"][3][0] == "Taygeta"


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
    assert everything_read()["records"][3][0] == "Electra"
    assert everything_read()["queries"][3][0] == "Electra"


@mysql
def test_a_level_set_by_hand_is_noticed() -> None:
    everything_read()

    def run() -> None:
        sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with transaction.atomic():
            list(Star.objects.all())
            elsewhere(lambda: save(name="Taygeta"))
            everything_read()

    elsewhere(run)
    assert everything_read()["queries"][3][0] == "Taygeta"


def test_atomic_requests(zoo_pages: None, admin_client: Browser) -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        everything_read()
        by_the_admin(admin_client)
        assert b"Taygeta" in admin_client.get("/stars/").content
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


class InsideOfATestCase(TestCase):
    """A user's own tests: one transaction that never commits."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.polaris = Star.objects.create(name="Polaris")

    def test_reads_see_its_own_writes(self) -> None:
        for name in ("Charon", "Nix"):
            self.polaris.name = name
            self.polaris.save()
            assert star(self.polaris.pk).name == name  # type: ignore[union-attr]
            assert Star.objects.cached().get(pk=self.polaris.pk).name == name

    def test_and_nothing_of_them_is_left(self) -> None:
        assert star(self.polaris.pk).name == "Polaris"  # type: ignore[union-attr]


def test_tables_that_change_with_another(settings: Any, events: list[Fetch]) -> None:
    settings.CACHE_ASIDE = {"ALSO": {"star": ["zoo_animal"]}}
    Animal.objects.cached().count()
    save(name="Taygeta")
    Animal.objects.cached().count()
    assert [event.outcome for event in events] == ["miss", "miss"]


def test_state_ends_with_its_thread() -> None:
    names: list[str] = []

    def run() -> None:
        state = transaction_of(connection)
        names.append("fresh" if state is None or not state.pending else "left over")
        connections.close_all()

    with transaction.atomic():
        save(name="Taygeta")
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert names == ["fresh"]
    assert User.objects.count() == 0
