"""The inbox component on the real product, in Chromium."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.browser.scene import InboxScene
from tests.support.wait import until

pytestmark = pytest.mark.asyncio(loop_scope="package")  # one Chromium for all


async def test_a_notification_appears_and_is_counted(scene: InboxScene) -> None:
    user = await scene.person("ann")
    page = await scene.open(user)
    await page.live()
    await page.hear()
    await page.counts(0)
    await scene.send(user, "A-1")
    await page.counts(1)
    await expect(page.bell).to_have_accessible_name("Notifications, 1 unread")
    [told] = await page.heard("notification")
    assert (told["history"], told["item"]["title"]) == (False, "Order A-1 is on its way")
    await page.open()
    await expect(page.items).to_have_count(1)
    await expect(page.items.first).to_contain_text("DHL brings it.")
    await page.counts(1)


async def test_read_in_one_page_is_read_in_the_others(scene: InboxScene) -> None:
    """In another tab, which has no socket of its own, and on another device."""
    user = await scene.person("bob")
    device = await scene.device()
    first, second, other = await scene.open(user, on=device), await scene.open(user, on=device), await scene.open(user)
    pages = (first, second, other)
    for page in pages:
        await page.live()
    assert [len(page.sockets) for page in pages] == [1, 0, 1]
    await scene.send(user)
    for page in pages:
        await page.counts(1)
        await page.open()
        await expect(page.items.first).to_have_class("item unread")
    await second.button("Mark as read: Order A-1 is on its way").click()
    for page in pages:
        await page.counts(0)
        await expect(page.items.first).to_have_class("item")
    await other.button("Mark as unread: Order A-1 is on its way").click()
    for page in pages:
        await page.counts(1)
    await first.button("Archive: Order").click()
    for page in pages:
        await expect(page.items).to_have_count(0)
    await second.button("Archive", within=second.inbox.get_by_role("group")).click()
    await second.button("Move back to the list: Order").click()
    for page in (first, other):
        await expect(page.items).to_have_count(1)
    await first.button("Delete: Order").click()
    for page in (first, other):
        await expect(page.items).to_have_count(0)
        await page.counts(0)


async def test_what_was_in_front_of_the_user_is_seen(scene: InboxScene) -> None:
    user = await scene.person("cleo")
    page = await scene.open(user)
    await page.live()
    await scene.send(user)
    await page.counts(1)

    async def status() -> str:
        path = "/api/v1/notifications"
        headers = {"authorization": f"Bearer {scene.product.token(user)}"}
        [row] = (await scene.product.call("GET", path, service="gateway", headers=headers))["notifications"]
        return str(row["status"])

    assert await status() == "pending"
    await page.open()

    async def seen() -> bool:
        return await status() == "seen"

    await until(seen, what="the item to be seen")


async def test_the_tab_with_the_socket_closes_and_another_goes_on(scene: InboxScene) -> None:
    user = await scene.person("dan")
    device = await scene.device()
    first, second = await scene.open(user, on=device), await scene.open(user, on=device)
    await second.live()
    await scene.send(user, "A-1")
    await second.counts(1)
    await first.page.close()
    await scene.send(user, "A-2")
    await second.counts(2)
    assert len(second.sockets) == 1
    await second.open()
    await expect(second.items).to_have_count(2)


async def test_the_gateway_is_killed_and_the_page_catches_up_once(scene: InboxScene) -> None:
    user = await scene.person("eve")
    page = await scene.open(user)
    await page.live()
    await page.hear()
    await scene.send(user, "A-1")
    await page.counts(1)
    await page.open()
    await expect(page.items).to_have_count(1)
    scene.product.services["gateway"].kill()
    await expect(page.inbox.get_by_text("Not connected. Trying again …")).to_be_visible()
    await page.button("Mark as read: Order A-1").click()
    for order in ("A-2", "A-3"):
        await scene.send(user, order)
    await scene.product.revive("gateway")
    await scene.product.start_spawned("gateway")
    await expect(page.items).to_have_count(3, timeout=60_000)
    await page.counts(2)
    await expect(page.inbox.get_by_text("Not connected. Trying again …")).to_be_hidden()
    await scene.send(user, "A-4")
    await page.counts(3)
    told = [(one["item"]["title"][6:9], one["history"]) for one in await page.heard("notification")]
    assert told == [("A-1", False), ("A-2", True), ("A-3", True), ("A-4", False)]


async def test_a_long_list_is_read_page_by_page(scene: InboxScene) -> None:
    user = await scene.person("fay")
    for number in range(1, 24):
        await scene.send(user, f"N-{number}")
    page = await scene.open(user, attributes='limit="10"')
    await page.counts(23)
    await page.open()
    more = page.button("Show more")
    for shown in (20, 23):
        await more.click()
        await expect(page.items).to_have_count(shown)
    await expect(more).to_be_hidden()
    titles = await page.inbox.locator("h3 .open").all_inner_texts()
    assert titles == [f"Order N-{number} is on its way" for number in range(23, 0, -1)]
    await page.button("Mark all as read").click()
    await page.counts(0)
    await page.button("Unread", within=page.inbox.get_by_role("group")).click()
    await expect(page.inbox.get_by_text("Nothing unread.")).to_be_visible()


async def test_filters_and_buttons_keep_to_one_line_each_on_a_narrow_phone(scene: InboxScene) -> None:
    page = await scene.open(await scene.person("ivo"), on=await scene.device(viewport={"width": 340, "height": 640}))
    await page.live()
    await page.open()
    filters = page.inbox.get_by_role("group").get_by_role("button")
    tops = {(await filters.nth(at).bounding_box() or {})["y"] for at in range(await filters.count())}
    assert len(tops) == 1
    heading, all_read = page.inbox.get_by_role("heading", level=2), page.button("Mark all as read")
    middles = [box["y"] + box["height"] / 2 for each in (heading, all_read) if (box := await each.bounding_box())]
    assert abs(middles[0] - middles[1]) < 4


async def test_the_console_says_what_is_wrong_with_a_token(scene: InboxScene) -> None:
    """A page that takes what its backend answers for a token, whatever it is."""
    page = await (await scene.device()).new_page()
    await page.goto(f"{scene.origin}/?user=none")
    async with page.expect_console_message(lambda said: said.text.startswith("Carillon: no token")) as said:
        await page.evaluate("document.querySelector('carillon-inbox').token = () => '<h1>404</h1>'")
    assert "a page of HTML" in (await said.value).text


async def test_text_is_text_whatever_it_looks_like(scene: InboxScene) -> None:
    user = await scene.person("gil")
    page = await scene.open(user)
    await page.live()
    evil = '<img src=x onerror="window.stolen = 1"><script>window.stolen = 1</script>'
    await scene.send(user, evil, carrier=evil)
    await page.open()
    await expect(page.items.first).to_contain_text(f"Order {evil} is on its way")
    await expect(page.items.first).to_contain_text(f"{evil} brings it.")
    assert await page.inbox.locator("img, script").count() == 0
    assert await page.page.evaluate("window.stolen") is None


async def test_a_module_in_a_page_with_a_strict_policy(scene: InboxScene) -> None:
    """The token by an address, the language by the page, and no style or script that a policy forbids."""
    user = await scene.person("hal")
    await scene.send(user)
    page = await scene.open(user, path="/strict")
    await page.counts(1)
    await expect(page.bell).to_have_accessible_name("Mitteilungen, 1 ungelesen")
    await page.open()
    await expect(page.items).to_have_count(1)
    color = await page.badge.evaluate("(badge) => getComputedStyle(badge).backgroundColor")
    assert color == "rgb(198, 40, 40)", "its own styles are there"
    await page.button("Einstellungen").click()
    await expect(page.inbox.get_by_label("E-Mail")).to_be_checked()


async def test_what_is_snoozed_comes_back_on_every_device(scene: InboxScene) -> None:
    user = await scene.person("gil")
    first, other = await scene.open(user), await scene.open(user)
    for page in (first, other):
        await page.live()
    await scene.send(user, "A-1")
    for page in (first, other):
        await page.open()
        await expect(page.items).to_have_count(1)
    await first.button("Snooze: Order A-1").click()
    await expect(first.button("In an hour")).to_be_focused()
    await first.page.keyboard.press("Escape")
    await expect(first.button("Snooze: Order A-1")).to_be_focused()
    await first.page.keyboard.press("s")
    assert await first.violations() == []
    await first.button("In an hour").click()
    for page in (first, other):
        await expect(page.items).to_have_count(0)
        await page.counts(0)
        await page.button("Snoozed").click()
        await expect(page.items).to_have_count(1)
        await expect(page.items.get_by_text("until ")).to_be_visible()
    assert await other.violations() == []
    await other.button("Have it back now: Order A-1").click()
    for page in (first, other):
        await expect(page.items).to_have_count(0)
        await page.counts(1)
        await page.inbox.locator(".filter").first.click()
        await expect(page.items).to_have_count(1)
        await expect(page.items).to_have_class("item unread")


async def test_an_item_goes_at_its_end(scene: InboxScene) -> None:
    user = await scene.person("hal")
    page = await scene.open(user)
    await page.live()
    await page.open()
    ends = rfc3339(now_ms() + 10_000)
    await scene.send(user, "A-1", then={"expires_at": ends})
    await scene.send(user, "A-2")
    await expect(page.items).to_have_count(2)
    await expect(page.items).to_have_count(1)
    await page.counts(1)
    await expect(page.items.get_by_text("Order A-2")).to_be_visible()
    newcomer = await scene.open(user)
    await newcomer.counts(1)
    await newcomer.open()
    await expect(newcomer.items).to_have_count(1)
