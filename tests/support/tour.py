"""The demo in a real browser: fixtures and hands for those who tour it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from .demo import copied, start, until, visited
from .servers import free_port

NOT_THERE, NOT_EXPLAINED = "/planets/99/", "/explain/?page=/no/such/"
CHROMIUM = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)
TOURING = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is on PATH"),
    pytest.mark.once,
]


class Demo(NamedTuple):
    address: str
    password: str
    checkout: Path


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, as a newcomer starts it."""
    port = free_port()
    checkout = copied(tmp_path_factory.mktemp("tour"))
    with start(checkout, port) as process:
        said = until(process, "Quit the server")
        password = re.findall(r"password (\S+) ", said)[0]
        with visited(process):
            yield Demo(f"http://127.0.0.1:{port}", password, checkout)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update"),
                "--disable-sync",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(params=["light", "dark"])
def page(request: Any, browser: Browser, toured: Demo) -> Iterator[Page]:
    context = browser.new_context(
        base_url=toured.address, color_scheme=request.param, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    problems: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # That a page is not there the browser itself calls an error.
        if message.type == "error" and not message.location["url"].endswith(
            (NOT_THERE, NOT_EXPLAINED)
        ):
            problems.append(f"{message.text} {message.location['url']}")

    page.on("console", hear)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert problems == []
    context.close()


def accessible(page: Page) -> None:
    """axe finds nothing on the page; the debug toolbar is not ours."""
    # To preload is to ask for what stylesheets import again, from beside the page: a 404.
    found = Axe().run(page, context={"exclude": [["#djDebugRoot"]]}, options={"preload": False})
    assert [
        (violation["id"], [node["target"] for node in violation["nodes"]])
        for violation in found.response["violations"]
    ] == [], page.url


def log_in(page: Page, password: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(
        page.get_by_role("link", name="Log out").or_(page.get_by_text("Log out"))
    ).to_be_visible()


def cache_panel(page: Page) -> Any:
    """The cache's panel of the toolbar, opened and as it looks."""
    if not page.locator("a.CacheAsidePanel").is_visible():
        page.locator("#djShowToolBarButton").click()
    page.locator("a.CacheAsidePanel").click()
    panel = page.locator("#CacheAsidePanel")
    expect(panel.locator(".cache-aside").first).to_be_visible()
    # The panel's stylesheet comes with its text, and so a moment after it.
    panel.locator("link[rel=stylesheet]").evaluate("""link => !!link.sheet
        || new Promise((styled, failed) => {
          link.addEventListener("load", () => styled());
          link.addEventListener("error", () => failed(new Error("no stylesheet")));
        })""")
    return panel
