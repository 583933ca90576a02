"""One running demo and one browser for the tests of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.browser import CHROMIUM, FLAGS
from tests.conftest import scratch
from tests.demo.running import Demo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The demo on free ports, stopped at the end by Ctrl-C."""
    folder = scratch("acs-demo-")
    running = Demo(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium() -> AsyncIterator[Any]:
    """One browser for all."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Any) -> AsyncIterator[Any]:
    """The browser; what a test opened in it is closed."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
