"""The work orders' office page and technician app, in Chromium, on the real product, by their own port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from carillon import AsyncClient
from carillon.integrations.workorders import WorkOrderInbox, WorkOrderNotifications
from sandbox.child import settle
from sandbox.demo.received import token
from sandbox.free_ports import free_ports
from sandbox.process import Service
from sandbox.stack import Stack, save
from tests.browser.scene import AXE
from tests.support.env import TOKEN_SECRET, Harness

pytestmark = pytest.mark.asyncio(loop_scope="package")  # one Chromium for all

LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}


@pytest.fixture(scope="module")
def pages(inbox_product: Harness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """`carillon run workorders` over a product that runs; the stack, and where the pages are."""
    state = tmp_path_factory.mktemp("workorders")
    urls = {name: inbox_product.url(name) for name in ("ingest", "gateway")}
    urls["sockets"] = f"ws://127.0.0.1:{inbox_product.ports['sockets']}"
    key = settle(inbox_product.api_key())
    stack = Stack(ports={}, urls=urls, kafka="", mongo="", token_secret=TOKEN_SECRET, webhook_secret="", api_key=key)
    save(stack, state)
    port, health = free_ports(2)
    env = {"CARILLON_WORKORDERS_STATE": str(state), "CARILLON_WORKORDERS_PORT": str(port)}
    process = Service("workorders", env=env, health_port=health, log=state / "log")
    process.start()
    yield stack, f"http://localhost:{port}"
    assert process.terminate() == 0


@dataclass
class Office:
    """Browsers on both pages, and what the pages have complained about."""

    stack: Stack
    url: str
    browser: Browser
    orders: WorkOrderNotifications
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def open(self, path: str, **options: Any) -> Page:
        """In a browser of its own, connected."""
        context = await self.browser.new_context(**options)
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if "Security Policy" in said.text else None)
        await page.goto(self.url + path)
        await expect(page.locator("#connection")).to_have_text("connected")
        return page

    def inbox(self, user: str) -> WorkOrderInbox:
        return WorkOrderInbox(self.stack.urls["gateway"], token(self.stack, user))

    async def unread(self, user: str) -> int:
        async with self.inbox(user) as inbox:
            return await inbox.get_unread_count()

    async def clear(self) -> None:
        """Both have read all."""
        for user in ("olga", "tom"):
            headers = {"authorization": f"Bearer {token(self.stack, user)}"}
            url = f"{self.stack.urls['gateway']}/api/v1/notifications/read-all"
            async with aiohttp.ClientSession(headers=headers) as http, http.put(url) as answer:
                assert answer.status == 200


@pytest_asyncio.fixture(loop_scope="package")
async def office(pages: tuple[Stack, str], browser: Browser) -> AsyncIterator[Office]:
    stack, url = pages
    async with AsyncClient(stack.urls["ingest"], stack.api_key or "") as carillon:
        made = Office(stack=stack, url=url, browser=browser, orders=WorkOrderNotifications(carillon))
        await made.clear()
        yield made
        for context in made.contexts:
            await context.close()
        assert made.faults == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workorders-pictures")


def item(page: Page, text: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=text)


async def badge(page: Page, number: int) -> None:
    if number:
        await expect(page.locator("#badge")).to_have_text(f"{number} unread")
    else:
        await expect(page.locator("#badge")).to_be_hidden()


async def update(page: Page, *, issues: str = "", notes: str = "", alert: bool = False) -> None:
    """By the technician's form."""
    await page.get_by_label("Notes").fill(notes)
    await page.get_by_label("Issues").fill(issues)
    await page.get_by_label("Alert the office").set_checked(alert)
    await page.get_by_role("button", name="Update", exact=True).click()
    await expect(page.get_by_text("It is durable.")).to_be_visible()


async def test_an_update_by_the_technician_is_three_alerts_in_the_office(office: Office) -> None:
    dashboard, app = await office.open("/office"), await office.open("/technician")
    await update(app, issues="Leak in the basement", notes="two hours", alert=True)
    await expect(item(dashboard, "Work order 12 status updated to: in progress").first).to_be_visible()
    await expect(item(dashboard, "Issue reported for work order 12: Leak in the basement").first).to_be_visible()
    await expect(item(dashboard, "Office alert requested for work order 12").first).to_contain_text("urgent")
    await badge(dashboard, 3)
    await badge(app, 2)
    await expect(app.locator("#list")).not_to_contain_text("Office alert requested")


async def test_what_is_read_on_one_page_is_read_on_all_of_the_same_user(office: Office) -> None:
    first, second = await office.open("/technician"), await office.open("/technician")
    dashboard = await office.open("/office")
    await dashboard.get_by_label("Message", exact=True).fill("Call me, please")
    await dashboard.get_by_label("Priority").select_option("high")
    await dashboard.get_by_role("button", name="Send").click()
    await expect(dashboard.get_by_text("Sent to Tom.")).to_be_visible()
    for page in (first, second):
        await expect(item(page, "Call me, please")).to_contain_text("high")
        await badge(page, 1)
    await item(first, "Call me, please").get_by_role("button", name="Mark as read").click()
    for page in (first, second):
        await badge(page, 0)
        await expect(item(page, "Call me, please").get_by_role("button")).to_have_count(0)
    await badge(dashboard, 0)
    assert await office.unread("tom") == 0


async def test_a_broadcast_is_on_both_pages(office: Office) -> None:
    dashboard, app = await office.open("/office"), await office.open("/technician")
    await dashboard.get_by_label("Message", exact=True).fill("The depot closes at noon")
    await dashboard.get_by_label("To everybody").check()
    await dashboard.get_by_role("button", name="Send").click()
    for page in (dashboard, app):
        await expect(item(page, "The depot closes at noon")).to_be_visible()
        await badge(page, 1)


async def test_a_page_comes_back_by_itself_and_has_missed_nothing(office: Office, inbox_product: Harness) -> None:
    app = await office.open("/technician")
    await office.orders.send_manual_notification("tom", "before")
    await expect(item(app, "before")).to_be_visible()
    inbox_product.services["gateway"].kill()
    await expect(app.locator("#connection")).to_contain_text("trying again every 5 seconds")
    await office.orders.send_manual_notification("tom", "meanwhile")
    await inbox_product.revive("gateway")
    await inbox_product.start_spawned("gateway")
    await expect(app.locator("#connection")).to_have_text("connected")
    await expect(item(app, "meanwhile")).to_be_visible()
    await expect(item(app, "before")).to_have_count(1)
    await badge(app, 2)


async def test_what_cannot_be_sent_is_said_and_sends_nothing(office: Office) -> None:
    dashboard, app = await office.open("/office"), await office.open("/technician")
    await dashboard.get_by_role("button", name="Send").click()
    await expect(dashboard.get_by_text("Not sent:")).to_be_visible()
    await badge(app, 0)
    assert await office.unread("tom") == 0


async def test_pages_of_others_get_neither_tokens_nor_sockets(office: Office) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/api/tokens/olga", "/office", "/ws"):
            for header in ({"Origin": "http://evil.example"}, {"Host": "evil.example:3000"}):
                async with http.get(office.url + path, headers=header) as answer:
                    assert answer.status == 403


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_nothing_sticks_out(office: Office, pictures: Path, look: str) -> None:
    dashboard = await office.open("/office", bypass_csp=True, **LOOKS[look])
    app = await office.open("/technician", bypass_csp=True, **LOOKS[look])
    await update(app, issues=f"Leak, seen in {look}", notes="two hours more", alert=True)
    await expect(item(dashboard, f"seen in {look}")).to_be_visible()
    await badge(dashboard, 3)
    await badge(app, 2)
    for name, page in (("office", dashboard), ("technician", app)):
        await page.add_script_tag(path=AXE)
        found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert len(found["passes"]) > 10, "it has looked"
        assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]] == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.screenshot(path=pictures / f"{name}-{look}.png", full_page=True)
