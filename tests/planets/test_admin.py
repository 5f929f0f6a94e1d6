import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from planets.models import Moon, Planet

pytestmark = pytest.mark.django_db

NO_MOONS = {
    "moons-TOTAL_FORMS": "0",
    "moons-INITIAL_FORMS": "0",
    "moons-MIN_NUM_FORMS": "0",
    "moons-MAX_NUM_FORMS": "1000",
}
PLUTO = {"name": "Pluto", "colour": "#112233", "accent": "#445566", **NO_MOONS}


def act(client: Client, action: str, *ids: int) -> Any:
    return client.post(
        "/admin/planets/planet/", {"action": action, "_selected_action": ids}, follow=True
    )


@pytest.mark.parametrize("model", ["planet", "moon"])
def test_the_list_costs_the_same_however_long_it_is(
    admin_client: Client, model: str, django_assert_max_num_queries
) -> None:
    address = f"/admin/planets/{model}/?q=a"
    with django_assert_max_num_queries(20) as before:
        assert admin_client.get(address).status_code == 200
    for number in range(5):
        planet = Planet.objects.create(name=f"a{number}")
        Moon.objects.create(planet=planet, name="a")
    with django_assert_max_num_queries(len(before)):
        text = admin_client.get(address).content.decode()
    assert "a4" in text


def test_the_list_tells_the_facts_and_counts_the_moons(admin_client: Client) -> None:
    text = admin_client.get("/admin/planets/planet/?kind__exact=gas-giant").content.decode()

    assert "1.898" in text
    assert '<td class="field-moon_count">8</td>' in text
    assert "Mercury" not in text


def test_the_form_names_the_units_and_shows_the_moons(admin_client: Client) -> None:
    text = admin_client.get("/admin/planets/planet/4/change/").content.decode()

    assert "In 10²⁴ kg. How much matter it holds." in text
    assert "Air and climate" in text
    assert 'value="Phobos"' in text
    assert "/admin/r/" in text  # view on site


def test_a_planet_is_added_and_its_history_says_so(admin_client: Client) -> None:
    response = admin_client.post("/admin/planets/planet/add/", {**PLUTO, "mass": "0.013"})

    pluto = Planet.objects.get(name="Pluto")
    assert response.status_code == 302
    assert (pluto.mass, pluto.has_rings) == (0.013, None)
    history = admin_client.get(f"/admin/planets/planet/{pluto.pk}/history/").content.decode()
    assert "Added." in history


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mass": "-1"}, "Must be 0 or more, not -1.0."),
        ({"mass": "nan"}, "Enter a number."),
        ({"colour": "red"}, "A colour is # and six hexadecimal digits"),
        ({"name": "earth"}, "must be its own; &#x27;earth&#x27; is taken."),
        ({"name": "x" * 31}, "at most 30 characters"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule(
    admin_client: Client, wrong: dict[str, str], message: str
) -> None:
    response = admin_client.post("/admin/planets/planet/add/", PLUTO | wrong)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Planet.objects.count() == 8


def test_a_name_that_an_adopted_table_holds_twice_can_still_be_edited(
    admin_client: Client,
) -> None:
    twin = Planet.objects.create(name="Earth")
    response = admin_client.post(
        f"/admin/planets/planet/{twin.pk}/change/", PLUTO | {"name": "Earth", "gravity": "9"}
    )

    twin.refresh_from_db()
    assert (response.status_code, twin.gravity) == (302, 9)


def test_a_moon_is_added_within_its_planet(admin_client: Client) -> None:
    moon = {
        "moons-TOTAL_FORMS": "1",
        "moons-0-name": "Charon",
        "moons-0-radius": "606",
        "moons-0-planet": "",
        "moons-0-id": "",
    }
    response = admin_client.post("/admin/planets/planet/add/", PLUTO | moon)

    assert response.status_code == 302
    assert Moon.objects.get(name="Charon").planet.name == "Pluto"


def test_rings_are_marked_in_bulk_and_the_history_says_so(admin_client: Client) -> None:
    response = act(admin_client, "mark_with_rings", 3, 6)

    assert "Planets changed: 1." in response.content.decode()  # Saturn had its rings
    assert Planet.objects.get(pk=3).has_rings is True
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == ("3", "Marked as having rings.")

    act(admin_client, "mark_without_rings", 3)
    assert Planet.objects.get(pk=3).has_rings is False


def test_planets_are_exported_as_csv(admin_client: Client) -> None:
    Planet.objects.create(id=9, name="=1+1", mean_temperature=-5)
    response = act(admin_client, "export_csv", 3, 9)
    earth, formula = csv.DictReader(io.StringIO(response.content.decode()))

    assert response["Content-Disposition"] == 'attachment; filename="planets.csv"'
    assert (earth["name"], earth["mass"], earth["has_rings"]) == ("Earth", "5.97", "False")
    assert (formula["name"], formula["mass"]) == ("'=1+1", "")
    assert formula["mean_temperature"] == "-5.0"


def test_who_may_only_view_can_export_and_not_change(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_planet"))
    client.force_login(viewer)

    text = client.get("/admin/planets/planet/").content.decode()
    assert "export_csv" in text
    assert "mark_with_rings" not in text
    act(client, "mark_with_rings", 3)
    assert Planet.objects.get(pk=3).has_rings is False
