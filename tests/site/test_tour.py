"""A newcomer's tour, in a real browser: the site, the admin, the toolbar, the cache page.

No page may log an error in the console, and axe must find nothing, in light and in dark.
"""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.tour import (
    NOT_EXPLAINED,
    NOT_THERE,
    TOURING,
    Demo,
    accessible,
    cache_panel,
    log_in,
)

pytestmark = TOURING


def test_the_tour(page: Page, toured: Demo) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_label("Kind").select_option("gas-giant")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("kind=gas-giant"))
    expect(page.get_by_role("heading", name="Jupiter")).to_be_visible()
    expect(page.get_by_role("heading", name="Mars")).to_have_count(0)

    page.goto("/planets/3/")
    name = page.get_by_role("heading", level=1).inner_text()
    other = "Terra" if name == "Earth" else "Earth"

    log_in(page, toured.password)
    page.goto("/admin/planets/planet/3/change/")
    page.locator("#id_name").fill(other)
    page.locator('[name="_save"]').first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.goto("/planets/3/")  # at once
    expect(page.get_by_role("heading", level=1)).to_have_text(other)
    expect(cache_panel(page).locator("tr", has_text="the record:")).to_contain_text("miss")
    expect(page.locator("a.CacheAsidePanel")).to_contain_text("4 fetches")

    page.goto("/planets/3/")
    panel = cache_panel(page)
    expect(panel.locator("tr", has_text="page:")).to_contain_text("hit")
    expect(page.locator("a.CacheAsidePanel")).to_contain_text("1 fetch: 1 hit")

    page.goto("/admin/")
    page.get_by_role("link", name="Cache", exact=True).first.click()
    expect(page.get_by_text("planet:3").first).to_be_visible()


PAGES = [
    "/",
    "/?kind=gas-giant&sort=mass&order=desc",
    "/?q=nothing",
    "/planets/3/",
    "/planets/6/",
    NOT_THERE,
    "/compare/",
    "/compare/?planets=3,5",
    "/compare/?planets=3,5,6&sort=mass&order=desc&scale=log",
    "/moons/",
    "/explain/?page=/planets/3/",
    NOT_EXPLAINED,
    "/admin/login/",
]
ADMIN = [
    "/admin/",
    "/admin/planets/",
    *(
        f"/admin/planets/{page}"
        for model in ("planet", "moon")
        for page in (
            *(f"{model}/", f"{model}/?q=a", f"{model}/add/"),
            *(f"{model}/3/{view}/" for view in ("change", "delete", "history")),
        )
    ),
    "/admin/cache_aside/cache/",
    "/admin/cache_aside/cache/keys/",
    "/admin/cache_aside/cache/keys/?table=planet&kind=sql",
    "/admin/cache_aside/cache/keys/?pattern=nothing-at-all",
    "/admin/cache_aside/cache/advice/",
    "/admin/cache_aside/cache/invalidate-everything/",
    "/admin/cache_aside/cache/planet:3/change/",
    "/admin/password_change/",
]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(page: Page, path: str) -> None:
    page.goto(path)
    accessible(page)


def test_axe_finds_nothing_in_the_admin(page: Page, toured: Demo) -> None:
    page.goto("/planets/3/")  # so that there is a record
    log_in(page, toured.password)
    for path in ADMIN:
        answer = page.goto(path)
        assert answer
        assert answer.status == 200, path
        accessible(page)


def test_axe_finds_nothing_in_a_new_row_nor_in_a_form_with_errors(page: Page, toured: Demo) -> None:
    log_in(page, toured.password)
    page.goto("/admin/planets/planet/3/change/")
    page.get_by_role("button", name="Add another Moon").click()
    radius = page.get_by_label("New moon: Radius").first  # the last is what new rows are made of
    expect(radius).to_be_visible()
    accessible(page)
    radius.fill("-1")
    page.locator('[name="_save"]').first.click()
    expect(page.locator(".errornote")).to_be_visible()
    accessible(page)


@pytest.mark.parametrize(
    ("button", "title"),
    [
        ("Fetch it again", "Fetched again"),
        ("Let it expire", "After its TTL had ended"),
        ("Flush its keys", "After its keys were flushed"),
        ("Take Redis away", "Without Redis"),
        ("Change a planet", "The tutorial’s own fetch(sql) beside it"),  # noqa: RUF001
    ],
)
def test_each_button_of_how_this_page_was_made(page: Page, button: str, title: str) -> None:
    page.goto("/planets/3/")
    page.get_by_role("link", name="How this page was made").click()
    expect(page.locator(".what", has_text="/planets/3/").first).to_contain_text("hit")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    for summary in page.locator("main summary").all():
        if summary.is_visible():
            summary.click()
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    accessible(page)


def test_the_panel_fits_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/planets/3/")
    panel = cache_panel(page)
    box = panel.bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, 390)
    inside = panel.locator(".djdt-scroll")
    assert inside.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    expect(panel.locator(".cache-aside-line li").first).to_be_visible()
    panel.get_by_role("button").first.click()  # there is a way back
    expect(panel).to_be_hidden()


def test_axe_finds_nothing_in_the_panel(page: Page) -> None:
    page.goto("/planets/3/")
    cache_panel(page)
    found = Axe().run(
        page,
        context={"fromShadowDom": ["#djDebugRoot", "#CacheAsidePanel"]},
        options={"preload": False},
    )
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_every_panel_of_the_toolbar_keeps_to_the_pages_policy(page: Page) -> None:
    """What is inline and so blocked, the browser would tell as an error."""
    page.goto("/planets/3/")
    page.locator("#djShowToolBarButton").click()
    panels = page.locator("#djDebugPanelList a[class*=Panel]")
    names = [str(panel.get_attribute("class")) for panel in panels.all()]
    assert {"SQLPanel", "SettingsPanel", "CacheAsidePanel"} <= set(names)
    for name in names:
        page.locator(f"a.{name}").click()
        expect(page.locator(f"#{name} .djDebugPanelContent")).to_be_visible()
        expect(page.locator(f"#{name} .djdt-loader")).to_have_count(0)
