"""A real product, a page of another origin, and Chromium to open it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright, expect

from sandbox.checks import CHROMIUM
from sandbox.free_ports import free_ports
from tests.browser.scene import InboxScene
from tests.support.brokers import Brokers
from tests.support.env import Harness
from tests.support.product import serving

BUILT = Path(__file__).parents[2] / "services" / "gateway" / "web" / "inbox.js"
SERVICES = ("ingest", "router", "delivery", "gateway")
EXPECT_MS = 30_000
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@pytest.fixture(scope="package")
def page_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="package")
def inbox_product(
    shared_brokers: Brokers, page_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """What an inbox needs of the product; pages of our own origin may use it."""
    if not BUILT.exists():
        pytest.fail("The component is not built. Build it: make web", pytrace=False)
    folder = tmp_path_factory.mktemp("inbox")
    settings = {"CARILLON_ORIGINS": f"http://127.0.0.1:{page_port}"}
    with serving(shared_brokers, folder, names=SERVICES, settings=settings) as made:
        yield made


@pytest.fixture(scope="package")
def chromium() -> Path:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is not there. Get it: apt-get install -y chromium", pytrace=False)
    return CHROMIUM


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    expect.set_options(timeout=EXPECT_MS)
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield made
        await made.close()


@pytest_asyncio.fixture(loop_scope="package")
async def scene(inbox_product: Harness, page_port: int, browser: Browser) -> AsyncIterator[InboxScene]:
    made = InboxScene(inbox_product, browser, f"http://127.0.0.1:{page_port}")
    runner = web.AppRunner(made.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", page_port, reuse_address=True).start()
    yield made
    await made.close()
    await runner.cleanup()
