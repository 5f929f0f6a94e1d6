"""Everything that a visitor, an editor and an operator can do, once each, in a real browser.

TOUR_PLANETS=100000 does it among so many planets, and says what a page of them takes:

    TOUR_PLANETS=100000 TEST_DATABASE=mysql python -m pytest -s tests/site/test_everything.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.tour import TOURING, Demo, accessible, log_in

pytestmark = TOURING

MANY = int(os.environ.get("TOUR_PLANETS", "0"))
CACHE = "/admin/cache_aside/cache/"
PAGES = ("/", "/planets/3/", "/compare/", "/compare/?planets=3,5,6&scale=log", "/moons/")
LARGEST, MOST_NODES = 100_000, 1_500
# The toolbar is of the demo alone.
MEASURE = """() => {
  document.getElementById("djDebug")?.remove();
  document.getElementById("djDebugRoot")?.remove();
  document.querySelectorAll("script, link[href*=debug_toolbar]").forEach(e => e.remove());
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [
    new Blob([document.documentElement.outerHTML]).size,
    document.querySelectorAll("*").length,
    paint ? paint.startTime : 0,
  ];
}"""


@pytest.fixture(scope="module", autouse=True)
def many(toured: Demo) -> None:
    """Where TOUR_PLANETS is set."""
    if MANY:
        subprocess.run(
            [sys.executable, "-m", "planetsite.demo", "make_planets", str(MANY)],
            cwd=toured.checkout,
            check=True,
            env={**os.environ, "PYTHONPATH": str(toured.checkout)},
        )


# --- a visitor


def test_a_visitor_browses_filters_and_compares(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Sort by").select_option("mass")
    page.get_by_label("Order").select_option("desc")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("sort=mass"))
    page.get_by_label("Name contains").fill("ur")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Saturn")).to_be_visible()
    page.get_by_role("link", name="Reset").click()
    page.locator("summary", has_text="Discovery and star").click()
    page.get_by_label("Host star").fill("Sun")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status").first).to_contain_text("8")

    page.locator("label.tick", has_text="Mars").locator("input").check()
    page.locator("label.tick", has_text="Saturn").locator("input").check()
    page.get_by_role("button", name="Compare the ticked ones").click()
    expect(page).to_have_url(re.compile(r"/compare/\?planets=4,6"))
    page.get_by_label("Find planets to add").fill("nept")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_label("Neptune").check()
    page.get_by_label("Scale").select_option("log")
    page.get_by_label("Sort by").select_option("radius")
    page.get_by_role("button", name="Compare", exact=True).click()
    first = page.locator("table.bars").first
    expect(first.locator("caption")).to_contain_text("logarithmic")
    expect(first.locator("tbody th")).to_have_text(["Mars", "Neptune", "Saturn"])
    accessible(page)


def test_a_planets_page_has_its_details(page: Page) -> None:
    page.goto("/planets/5/")
    expect(page.get_by_text("1.898 × 10²⁷ kg".replace(" ", "\xa0"))).to_be_visible()
    expect(page.get_by_role("cell", name="no surface")).to_be_visible()
    page.locator("a.cite").first.click()
    expect(page.locator("#source-1")).to_contain_text("Planetary Fact Sheet")
    page.locator("svg.orbits").get_by_text("Saturn").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Saturn")
    page.get_by_role("link", name="Compare Saturn").click()
    expect(page).to_have_url(re.compile("planets=6,5,7"))
    page.goto("/planets/3/")
    assert "× Earth" not in page.locator("main").inner_text()
    expect(page.get_by_role("link", name=re.compile("^Edit "))).to_have_attribute(
        "href", "/admin/planets/planet/3/change/"
    )


def test_machines_find_the_picture_the_icon_and_the_sitemap(page: Page) -> None:
    page.goto("/planets/3/")
    picture = str(page.locator('meta[property="og:image"]').get_attribute("content"))
    canonical = str(page.locator("link[rel=canonical]").get_attribute("href"))
    assert canonical.endswith("/planets/3/")
    for address, kind in (
        (picture, "image/jpeg"),
        ("/favicon.ico", "image/"),
        ("/sitemap.xml", "application/xml"),
        ("/robots.txt", "text/plain"),
    ):
        answer = page.request.get(address)
        assert answer.ok, address
        assert answer.headers["content-type"].startswith(kind), address


# --- an editor


def test_an_editor_is_told_what_a_save_made_stale(page: Page, toured: Demo) -> None:
    log_in(page, toured.password)
    for path in ("/planets/5/", "/planets/5/", "/moons/"):
        page.goto(path)
    page.goto("/admin/planets/planet/5/change/")
    page.get_by_role("textbox", name="Description").fill(f"A giant, of {os.urandom(4).hex()}.")
    page.locator('[name="_save"]').first.click()
    told = page.locator(".messagelist")
    expect(told).to_contain_text(
        re.compile(r"Saved\. (At least )?1 record, \d+ quer(y|ies) and \d+ pages? are out of date")
    )
    accessible(page)

    page.goto("/admin/planets/planet/5/change/")
    page.get_by_label("Order from the Sun").fill("3")
    page.locator('[name="_save"]').first.click()
    expect(page.get_by_text(re.compile("Place 3 is taken by "))).to_be_visible()


# --- an operator


def test_an_operator_finds_entries_and_deletes_several(page: Page, toured: Demo) -> None:
    log_in(page, toured.password)
    for path in ("/", "/planets/4/", "/planets/6/"):
        page.goto(path)
    page.goto(CACHE)
    for heading in ("Hit ratio", "Server", "Tables", "Last invalidations", "Largest entries"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_text("hits a second of")).to_be_visible()
    accessible(page)

    page.get_by_role("link", name="Browse keys").click()
    page.get_by_label("Kind").select_option("record")
    page.get_by_label("Table").select_option("planet")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("row 6 of planet")).to_be_visible()
    assert "moon" not in page.locator("table.keys").inner_text()
    page.get_by_label("Choose planet:4").check()
    page.get_by_label("Choose planet:6").check()
    page.get_by_role("button", name="Delete the ticked entries").click()
    expect(page.locator(".messagelist")).to_contain_text("Deleted 2 entries")
    expect(page).to_have_url(re.compile("kind=record&table=planet"))
    expect(page.get_by_text("row 6 of planet")).to_have_count(0)

    page.get_by_label("Kind").select_option("sql")
    page.get_by_label("Search").fill("order by position")
    page.get_by_role("button", name="Look").click()
    page.locator("table.keys th a").first.click()
    expect(page.get_by_role("columnheader", name="escape_velocity")).to_be_visible()
    rows = page.locator(".rows")
    assert rows.evaluate("part => part.scrollWidth > part.clientWidth")
    accessible(page)


def test_the_cache_page_refreshes_itself_until_it_is_paused(page: Page, toured: Demo) -> None:
    log_in(page, toured.password)
    page.goto(CACHE)
    shown = page.locator("#cache-live").element_handle()
    page.wait_for_function("old => !old.isConnected", arg=shown, timeout=20_000)
    expect(page.get_by_text("Refreshed ")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused.")).to_be_visible()
    accessible(page)


def test_a_warning_is_covered_by_nothing(page: Page, toured: Demo) -> None:
    """What stands above the page's buttons, where this process owes Redis invalidations."""
    log_in(page, toured.password)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(CACHE)
        covered = page.evaluate("""() => {
          const note = document.createElement("p");
          note.className = "errornote";
          note.textContent = "This process owes Redis 3 invalidations. ".repeat(6);
          document.querySelector("#content-main").prepend(note);
          const over = note.getBoundingClientRect();
          return [...document.querySelectorAll("#content a, #content button")].filter(one => {
            const at = one.getBoundingClientRect();
            return at.width && at.left < over.right && over.left < at.right
              && at.top < over.bottom && over.top < at.bottom && !note.contains(one);
          }).map(one => one.textContent);
        }""")
        assert covered == [], width


# --- how they look and what they weigh


@pytest.mark.parametrize("path", PAGES)
def test_a_page_stays_small_and_its_figures_are_told(
    browser: Browser, toured: Demo, path: str
) -> None:
    context = browser.new_context(base_url=toured.address)
    page = context.new_page()
    page.goto(path)  # which fills the cache
    page.goto(path, wait_until="load")
    page.wait_for_function(
        "() => performance.getEntriesByName('first-contentful-paint').length > 0"
    )
    size, nodes, paint = page.evaluate(MEASURE)
    context.close()
    print(f"{MANY or 8:>7} planets  {path:<36} {size:>7,} bytes {nodes:>6,} nodes {paint:>5.0f} ms")

    assert size <= LARGEST
    assert nodes <= MOST_NODES


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_telephone(browser: Browser, toured: Demo, scheme: Any) -> None:
    context = browser.new_context(
        base_url=toured.address, color_scheme=scheme, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    log_in(page, toured.password)
    wide = []
    admin = (CACHE, f"{CACHE}keys/", f"{CACHE}planet:3/change/", "/admin/planets/planet/3/change/")
    for path in (*PAGES, *admin):
        page.goto(path)
        page.evaluate("document.getElementById('djDebugRoot')?.remove()")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    context.close()
    assert wide == []
