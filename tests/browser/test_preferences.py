"""The settings of the inbox component, kept by the real gateway."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.scene import InboxPage, InboxScene

pytestmark = pytest.mark.asyncio(loop_scope="package")  # one Chromium for all


async def stored(scene: InboxScene, user: str) -> Any:
    headers = {"authorization": f"Bearer {scene.product.token(user)}"}
    return await scene.product.call("GET", "/api/v1/notifications/preferences", service="gateway", headers=headers)


async def opened(scene: InboxScene, user: str) -> InboxPage:
    page = await scene.open(user)
    await page.live()
    await page.open()
    await page.button("Settings").click()
    await expect(page.inbox.get_by_role("heading", name="Settings")).to_be_focused()
    return page


async def test_preferences_and_quiet_hours_are_saved(scene: InboxScene) -> None:
    user = await scene.person("ann")
    page = await opened(scene, user)
    box = page.inbox.get_by_role("checkbox", name="E-mail")
    await expect(box).to_be_checked()
    await expect(page.inbox.get_by_label("From")).to_be_hidden()
    await box.uncheck()
    await page.inbox.get_by_role("checkbox", name="Order shipped").uncheck()
    await page.inbox.get_by_role("checkbox", name="Keep quiet every day").check()
    await page.inbox.get_by_label("From").fill("21:30")
    await page.inbox.get_by_label("Until").fill("06:45")
    await expect(page.inbox.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    await page.inbox.get_by_label("Time zone").select_option("Asia/Tokyo")
    await page.button("Save").click()
    await expect(page.inbox.get_by_text("Saved.")).to_be_visible()
    found = await stored(scene, user)
    assert (found["push_notifications"], found["email_notifications"]) == (True, False)
    assert found["notification_types"]["order_shipped"] is False
    assert found["notification_types"]["new_message"] is True
    hours = {"enabled": True, "start_time": "21:30", "end_time": "06:45", "timezone": "Asia/Tokyo"}
    assert found["quiet_hours"] == hours
    again = await opened(scene, user)
    await expect(again.inbox.get_by_role("checkbox", name="E-mail")).not_to_be_checked()
    await expect(again.inbox.get_by_label("From")).to_have_value("21:30")
    await expect(again.inbox.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


async def test_what_is_rejected_is_said_where_it_was_typed(scene: InboxScene) -> None:
    user = await scene.person("bob")
    page = await opened(scene, user)
    await page.inbox.get_by_role("checkbox", name="Keep quiet every day").check()
    await page.inbox.get_by_label("From").fill("")
    await page.button("Save").click()
    await expect(page.inbox.get_by_text("Nothing was saved.")).to_be_visible()
    field = page.inbox.get_by_label("From")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    assert (await stored(scene, user))["quiet_hours"]["enabled"] is False
    await field.fill("23:00")
    await page.button("Save").click()
    await expect(page.inbox.get_by_text("Saved.")).to_be_visible()
    await expect(field).not_to_have_attribute("aria-invalid", "true")


async def test_escape_goes_back_to_the_list(scene: InboxScene) -> None:
    page = await opened(scene, await scene.person("cleo"))
    await page.page.keyboard.press("Escape")
    await expect(page.inbox.get_by_role("heading", name="Notifications")).to_be_focused()
    await page.page.keyboard.press("Escape")
    await expect(page.panel).to_be_hidden()
    await expect(page.bell).to_be_focused()
