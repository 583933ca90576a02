"""Which pages there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.portal.routes import PAGES
from tests.enrollment.portal.browsing import PAGES as DRAWN

if TYPE_CHECKING:
    from tests.enrollment.portal.browsing import Browser

OPEN = {
    "/", "/login", "/logout", "/help", "/forgot", "/forgot/2", "/forgot/3", "/register",
    "/register/1", "/register/2", "/register/3", "/register/4", "/register/{end:[a-z-]+}",
}  # fmt: skip


def test_only_the_way_in_is_open_to_everybody() -> None:
    assert {route.path for route in PAGES if not route.signed_in} == OPEN


def test_what_tells_clients_from_strangers_takes_its_time() -> None:
    posts = {route.path for route in PAGES if route.method == "POST" and not route.signed_in}

    assert posts - {route.path for route in PAGES if route.paced} == {"/logout"}


@pytest.mark.parametrize("name", ["portal.css", "portal.svg"])
async def test_static_files_come_from_here_and_may_be_kept(browser: Browser, name: str) -> None:
    address = DRAWN.static_files[name].address
    async with browser.session.get(f"{browser.url}/{address}") as response:
        assert (response.status, "immutable" in response.headers["Cache-Control"]) == (200, True)


async def test_a_page_of_another_version_gets_a_file_that_is_not_kept(browser: Browser) -> None:
    async with browser.session.get(f"{browser.url}/static/portal.css?v=0123456789abcdef") as got:
        assert (got.status, got.headers["Cache-Control"]) == (200, "no-store")


async def test_an_unknown_file_is_not_there(browser: Browser) -> None:
    assert (await browser.get("/static/../state.py")).status == 404
    assert (await browser.get("/static/none.css")).status == 404
