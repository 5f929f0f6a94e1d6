from collections.abc import Iterator

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection

from planets.models import Moon, Planet

# What the tutorial has its reader run.
TUTORIAL = (
    "CREATE TABLE planet (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(30))",
    "ALTER TABLE planet AUTO_INCREMENT = 10",
    "INSERT INTO planet (name) VALUES ('Mercury'), ('Venus'), ('Earth'), ('Mars'),"
    " ('Jupiter'), ('Saturn'), ('Uranus'), ('Neptune')",
)


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.django_db
def test_the_models_are_what_the_migrations_make() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.fixture
def without_our_tables(transactional_db: None) -> Iterator[None]:
    call_command("migrate", "planets", "zero", verbosity=0)
    yield
    run("DROP TABLE IF EXISTS moon", "DROP TABLE IF EXISTS planet")
    call_command("migrate", "planets", "zero", fake=True, verbosity=0)
    call_command("migrate", "planets", verbosity=0)


@pytest.mark.skipif(connection.vendor != "mysql", reason="the tutorial's table is MySQL's")
@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_a_database_of_the_tutorial_is_adopted_with_nothing_lost(
    without_our_tables: None, charset: str
) -> None:
    create, *rest = TUTORIAL
    run(f"{create} CHARACTER SET {charset}", *rest)
    run("INSERT INTO planet (name) VALUES ('Pluto'), (NULL)")

    call_command("migrate", "planets", fake_initial=True, verbosity=0)

    names = dict(Planet.objects.order_by("id").values_list("id", "name"))
    assert names == {
        10: "Mercury",
        11: "Venus",
        12: "Earth",
        13: "Mars",
        14: "Jupiter",
        15: "Saturn",
        16: "Uranus",
        17: "Neptune",
        18: "Pluto",
        19: "Planet 19",
    }
    earth = Planet.objects.get(id=12)
    assert (earth.kind, earth.mass, earth.has_rings) == ("terrestrial", 5.97, False)
    assert earth.description.startswith("The densest planet")
    assert Planet.objects.get(name="Pluto").mass is None
    assert Moon.objects.get(name="Titan").planet_id == 15
    run("INSERT INTO planet (name) VALUES ('Sedna')")
    assert Planet.objects.get(name="Sedna").pk == 20
    # A letter that latin1 lacks is looked for in vain, and breaks nothing.
    assert list(Planet.objects.listed(search="\N{RINGED PLANET}")) == []
    assert list(Moon.objects.listed(search="\N{RINGED PLANET}")) == []


@pytest.mark.skipif(connection.vendor != "mysql", reason="the tutorial's table is MySQL's")
def test_the_first_migration_makes_the_tutorials_table(without_our_tables: None) -> None:
    def columns() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SHOW COLUMNS FROM planet")
            return list(cursor.fetchall())

    run(TUTORIAL[0])
    wanted = columns()
    run("DROP TABLE planet")
    call_command("migrate", "planets", "0001", verbosity=0)

    assert columns() == wanted


def test_migrating_down_to_nothing_and_up_again_works(without_our_tables: None) -> None:
    call_command("migrate", "planets", verbosity=0)

    assert Planet.objects.count() == 8


@pytest.mark.parametrize("new_app_first", [False, True])
def test_who_might_look_at_the_cache_still_may(transactional_db: None, new_app_first: bool) -> None:
    """The released state, up to 0005, had the cache's permissions in the planets' app."""
    call_command("migrate", "planets", "0005", verbosity=0)
    if not new_app_first:
        call_command("migrate", "cache_aside", "zero", verbosity=0)
    types = ContentType.objects
    types.filter(app_label="cache_aside", model="cache").delete()
    released = types.get_or_create(app_label="planets", model="cache")[0]
    held = [
        Permission.objects.get_or_create(
            content_type=released, codename=codename, defaults={"name": codename}
        )[0]
        for codename in ("view_cache", "invalidate_cache")
    ]
    user = User.objects.create_user("keeper", is_staff=True)
    group = Group.objects.create(name="keepers")
    user.user_permissions.add(held[0])
    group.permissions.add(held[1])
    user.groups.add(group)
    LogEntry.objects.create(user=user, content_type=released, object_id="gen:x", action_flag=CHANGE)
    if new_app_first:
        call_command("migrate", "cache_aside", verbosity=0)

    call_command("migrate", verbosity=0)

    again = User.objects.get(pk=user.pk)
    assert again.get_all_permissions() == {
        "cache_aside.view_cache",
        "cache_aside.invalidate_cache",
    }
    assert not types.filter(app_label="planets", model="cache").exists()
    assert LogEntry.objects.filter(user=user, content_type__app_label="cache_aside").exists()
