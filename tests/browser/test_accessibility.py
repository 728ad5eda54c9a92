"""By keys alone, in every look: axe finds nothing. The screenshots are there to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.scene import InboxPage, InboxScene

pytestmark = pytest.mark.asyncio(loop_scope="package")  # one Chromium for all

LOOKS = {
    "light": 'theme="light"',
    "dark": 'theme="dark"',
    "rtl": 'theme="light" locale="ar"',
    "rtl-dark": 'theme="dark" locale="ar" placement="start"',
    "german-inline": 'theme="light" locale="de" inline',
}
SETTINGS = {"ar": "الإعدادات", "de": "Einstellungen"}
SIDES = """[...document.querySelector("carillon-inbox").shadowRoot.querySelectorAll("article")].map((article) => {
    const edge = article.closest("[dir=rtl]") ? "right" : "left";
    const range = document.createRange();
    return ["h3 .open", "p"].map((name) => {
        range.selectNodeContents(article.querySelector(name));
        const rows = [...range.getClientRects()].map((row) => row[edge]);
        return Math.round(edge === "left" ? Math.min(...rows) : Math.max(...rows));
    });
})"""


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


async def filled(scene: InboxScene, attributes: str) -> InboxPage:
    """Unread ones, a read one, a long one."""
    user = await scene.person("ann")
    for order, more in (
        ("A-1", {}),
        ("A-2", {"eta": "Friday"}),
        ("A-3", {"carrier": "A carrier of a long name " * 12}),
    ):
        await scene.send(user, order, **more)
    page = await scene.open(user, attributes=attributes)
    await page.live()
    if "inline" not in attributes:
        await page.counts(3)
        await page.bell.click()
    await expect(page.items).to_have_count(3)
    await page.items.last.locator(".icon-button").first.click()
    await expect(page.items.last).to_have_class("item")
    await page.loaded()
    return page


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing(scene: InboxScene, pictures: Path, look: str) -> None:
    page = await filled(scene, LOOKS[look])
    assert await page.violations() == []
    await page.page.screenshot(path=pictures / f"{look}-list.png")
    sides = await page.page.evaluate(SIDES)
    assert len(sides) == 3
    assert all(title == body for title, body in sides), "titles and texts begin at the same side"
    await page.items.first.locator("button.snooze").click()
    assert await page.violations() == []
    await page.page.screenshot(path=pictures / f"{look}-snooze.png")
    name = next((name for locale, name in SETTINGS.items() if f'locale="{locale}"' in LOOKS[look]), "Settings")
    await page.button(name).click()
    await page.inbox.locator("form [type=checkbox][data-name='quiet_hours/enabled']").check()
    assert await page.violations() == []
    await page.inbox.locator(".save").scroll_into_view_if_needed()
    await page.page.screenshot(path=pictures / f"{look}-settings.png")


async def test_a_closed_and_an_empty_inbox_are_accessible(scene: InboxScene, pictures: Path) -> None:
    page = await scene.open(await scene.person("bob"))
    await page.live()
    assert await page.violations() == []
    await page.open()
    await expect(page.inbox.get_by_text("No notifications yet.")).to_be_visible()
    assert await page.violations() == []
    await page.page.screenshot(path=pictures / "empty.png")


async def test_a_small_screen(scene: InboxScene, pictures: Path) -> None:
    user = await scene.person("cleo")
    await scene.send(user)
    device = await scene.device(viewport={"width": 340, "height": 600})
    page = await scene.open(user, on=device, attributes='placement="start"')
    await page.counts(1)
    await page.open()
    box = await page.panel.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 340
    await page.page.screenshot(path=pictures / "small.png")


async def test_everything_by_keys(scene: InboxScene) -> None:
    user = await scene.person("dan")
    for order in ("A-1", "A-2", "A-3"):
        await scene.send(user, order)
    page = await scene.open(user)
    await page.counts(3)
    keys = page.page.keyboard
    await keys.press("Tab")
    await expect(page.bell).to_be_focused()
    await keys.press("Enter")
    await expect(page.panel).to_be_focused()
    await expect(page.items).to_have_count(3)
    await page.loaded()
    await keys.press("ArrowDown")
    await expect(page.items.nth(0)).to_be_focused()
    await keys.press("ArrowDown")
    await expect(page.items.nth(1)).to_be_focused()
    await expect(page.items.nth(1)).to_have_attribute("aria-posinset", "2")
    await keys.press("r")
    await page.counts(2)
    await expect(page.items.nth(1)).to_be_focused()
    await keys.press("e")
    await expect(page.items).to_have_count(2)
    await expect(page.items.nth(1)).to_be_focused()
    await keys.press("Home")
    await expect(page.items.nth(0)).to_be_focused()
    await keys.press("Delete")
    await expect(page.items).to_have_count(1)
    await expect(page.items.nth(0)).to_be_focused()
    await page.counts(1)
    await page.page.evaluate("document.addEventListener('carillon-select', (event) => event.preventDefault())")
    await keys.press("Enter")
    await page.counts(0)
    assert "/orders/" not in page.page.url, "the page has prevented that the link is followed"
    await keys.press("Escape")
    await expect(page.bell).to_be_focused()
    await expect(page.bell).to_have_attribute("aria-expanded", "false")


async def test_a_reader_is_told_what_is_new_and_not_what_is_old(scene: InboxScene) -> None:
    user = await scene.person("eve")
    await scene.send(user, "old")
    page = await scene.open(user)
    await page.live()
    said = page.inbox.locator(".silent[role=status]")
    await expect(said).to_have_text("")
    await scene.send(user, "new")
    await expect(said).to_have_text("New notification: Order new is on its way")
