"""The page that a stack shows first, as somebody meets it who has just started that stack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from sandbox.playground.phones import read_people
from sandbox.stack import Stack, load
from shared.process.clock import now_ms
from tests.browser.scene import AXE

WIDE = {"width": 1500, "height": 980}
PHONES = ("ada", "grace")
UNTOUCHED = {"preferences": {}, "quiet_hours": None, "mute_until": None}


class StartedStack(NamedTuple):
    """A whole stack, and what starting it has printed."""

    stack: Stack
    state: Path
    told: str


class PlaygroundScene:
    """Browsers on the page of one stack."""

    def __init__(self, started: StartedStack, browser: Browser) -> None:
        self.stack = started.stack
        self._state = started.state
        self.url = started.stack.urls["playground"]
        self.faults: list[str] = []
        """What a page has complained about."""
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def settle(self) -> None:
        """Both have the settings of the beginning."""
        headers = {"authorization": f"Bearer {self.stack.api_key}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            for user, profile in read_people(self.stack.urls["sink"], now_ms()).items():
                whole = profile | UNTOUCHED
                async with http.put(f"{self.stack.urls['ingest']}/v1/users/{user}", json=whole) as answer:
                    assert answer.status in {200, 201}, await answer.text()

    async def kill_gateway(self) -> None:
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}/api/gateway/kill") as answer:
            assert answer.status == 202, await answer.text()

    def gateway_pid(self) -> int:
        """As the supervisor knows it now."""
        stack = load(self._state)
        assert stack is not None
        return stack.pids["gateway"]

    async def open(self, **options: Any) -> PlaygroundPage:
        """The page in a browser of its own, with both phones connected."""
        context = await self._browser.new_context(**({"viewport": WIDE} | options))
        self._contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if "Security Policy" in said.text else None)
        await page.goto(self.url)
        await expect(page.locator(".connection.live")).to_have_count(len(PHONES))
        return PlaygroundPage(page)

    async def close(self) -> None:
        """Every page; none may have complained."""
        for context in self._contexts:
            await context.close()
        assert self.faults == []


class PlaygroundPage:
    """What is on it, by roles and names."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cards = page.locator(".card")
        self.outage = page.locator("#outage")

    def phone(self, user: str) -> Locator:
        return self.page.locator(f".phone[data-user={user}]")

    def items(self, user: str) -> Locator:
        return self.phone(user).get_by_role("article")

    def card(self, name: str) -> Locator:
        """The newest one for this person."""
        return self.cards.filter(has=self.page.get_by_role("heading", name=f"for {name}")).first

    async def send(self, to: str, workflow: str = "order.shipped", **data: str) -> None:
        """By the form; returns when it was accepted."""
        page = self.page
        before = await self.cards.count()
        await page.get_by_label("Workflow").select_option(workflow)
        if data:
            await page.get_by_label("Data, as JSON").fill(orjson.dumps(data).decode())
        await page.get_by_role("radio", name=to).check()
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("#sent")).to_have_text(re.compile("Accepted at .*: durable"))
        await expect(self.cards).to_have_count(min(12, before + (len(PHONES) if to == "both" else 1)))

    async def violations(self) -> list[str]:
        """What axe finds, in a browser that lets it in past the page's own policy."""
        await self.page.add_script_tag(path=AXE)
        found = await self.page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert len(found["passes"]) > 20, "it has looked"
        return [
            f"{each['id']}: {node['html']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
