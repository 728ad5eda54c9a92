"""Somebody's page with the inbox in it, and what they do there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.support.env import Harness

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
COLORS = {False: "background: #f4f5f7", True: "background: #14161b; color: #fff"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>A page</title></head>
<body style="margin: 0; min-height: 640px; {colors}">
<main style="display: flex; justify-content: flex-end; padding: 8px"><h1 style="flex: 1">A page</h1>
<script src="{gateway}/client/inbox.js"></script>
<carillon-inbox sockets="{sockets}" {attributes}></carillon-inbox>
<script>document.querySelector("carillon-inbox").token = () => fetch("/token?user={user}").then((answer) => answer.text());</script>
</main></body></html>"""

STRICT_PAGE = """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><title>A strict page</title>
<script type="module" src="{gateway}/client/inbox.mjs"></script></head>
<body><carillon-inbox sockets="{sockets}" token-url="/token?user={user}"></carillon-inbox></body></html>"""
STRICT = "default-src 'none'; script-src {gateway}; connect-src 'self' {gateway} {sockets}"


class InboxScene:
    """Pages of one origin, on the running product."""

    def __init__(self, product: Harness, browser: Browser, origin: str) -> None:
        self.product = product
        self.browser = browser
        self.origin = origin
        self.faults: list[str] = []
        """What a page has complained about."""
        self._contexts: list[BrowserContext] = []

    def app(self) -> web.Application:
        """What the page's own backend answers: the page, and the user's token."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/strict", self._strict_page)
        app.router.add_get("/token", self._token)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        query = request.query
        text = PAGE.format(
            gateway=self.product.url("gateway"),
            sockets=f"ws://127.0.0.1:{self.product.ports['sockets']}",
            attributes=query.get("attributes", ""),
            user=query["user"],
            colors=COLORS['theme="dark"' in query.get("attributes", "")],
        )
        return web.Response(text=text, content_type="text/html")

    async def _strict_page(self, request: web.Request) -> web.Response:
        """Nothing but what docs/inbox.md says that a Content-Security-Policy needs."""
        places = {
            "gateway": self.product.url("gateway"),
            "sockets": f"ws://127.0.0.1:{self.product.ports['sockets']}",
        }
        text = STRICT_PAGE.format(user=request.query["user"], **places)
        headers = {"Content-Security-Policy": STRICT.format(**places)}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _token(self, request: web.Request) -> web.Response:
        return web.Response(text=self.product.token(request.query["user"]))

    async def person(self, name: str) -> str:
        """A new user whose only channel is the inbox."""
        user = f"{name}-{uuid4().hex[:8]}"
        await self.product.call("PUT", f"/v1/users/{user}", json={"zone": "Europe/Berlin"})
        return user

    async def send(self, user: str, order: str = "A-1", *, then: Mapping[str, Any] | None = None, **data: Any) -> None:
        """One notification: "Order … is on its way"; `then` is what else the call says."""
        body = {"workflow": "order.shipped", "recipients": [user], "data": {"order": order, "carrier": "DHL"} | data}
        body |= then or {}
        await self.product.call("POST", "/v1/notifications", json=body)

    async def device(self, **options: Any) -> BrowserContext:
        """A browser of its own: nothing is shared with the others."""
        context = await self.browser.new_context(**({"viewport": {"width": 900, "height": 680}} | options))
        self._contexts.append(context)
        return context

    async def open(
        self, user: str, *, on: BrowserContext | None = None, attributes: str = "", path: str = "/"
    ) -> InboxPage:
        """The page of a user, loaded; in a browser of its own unless it is a tab of `on`."""
        page = await (on or await self.device()).new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if "Security Policy" in said.text else None)
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await page.goto(f"{self.origin}{path}?" + urlencode({"user": user, "attributes": attributes}))
        return InboxPage(page, sockets)

    async def close(self) -> None:
        """Every page; none may have complained."""
        for context in self._contexts:
            await context.close()
        assert self.faults == []


class InboxPage:
    """The component as its user meets it: by roles and names."""

    def __init__(self, page: Page, sockets: list[str]) -> None:
        self.page = page
        self.sockets = sockets
        """Every socket that this page has opened."""
        self.inbox = page.locator("carillon-inbox")
        self.bell = self.inbox.locator("button.bell")
        self.badge = self.inbox.locator(".badge")
        self.panel = self.inbox.locator(".panel")
        self.items = self.inbox.get_by_role("article")

    async def live(self) -> None:
        """Connected, and caught up."""
        await self.page.wait_for_function("document.querySelector('carillon-inbox').client?.state === 'live'")

    async def state(self) -> str:
        return str(await self.page.evaluate("document.querySelector('carillon-inbox').client?.state"))

    async def counts(self, number: int) -> None:
        """The badge says so, or is not there."""
        if number:
            await expect(self.badge).to_have_text(str(number))
        else:
            await expect(self.badge).to_be_hidden()

    async def open(self) -> None:
        await self.bell.click()
        await expect(self.panel).to_be_visible()
        await self.loaded()

    async def loaded(self) -> None:
        """The list was read by HTTP."""
        await expect(self.inbox.locator("[role=feed]")).to_have_attribute("aria-busy", "false")

    def button(self, name: str, *, within: Locator | None = None) -> Locator:
        return (within or self.inbox).get_by_role("button", name=name)

    async def hear(self) -> None:
        """From now on events of the component are kept in `heard`."""
        await self.page.evaluate(
            """() => { window.heard = [];
            for (const name of ["notification", "count", "open", "close", "select", "action", "error"])
              document.addEventListener("carillon-" + name, (event) => window.heard.push([name, event.detail])); }"""
        )

    async def heard(self, name: str) -> list[Any]:
        found = await self.page.evaluate("JSON.stringify(window.heard)")
        return [detail for each, detail in orjson.loads(found) if each == name]

    async def violations(self) -> list[str]:
        """What axe finds on the page, its shadow roots included."""
        if not await self.page.evaluate("!!window.axe"):
            await self.page.add_script_tag(path=AXE)
        found = await self.page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert len(found["passes"]) > 10, "it has looked"
        return [
            f"{each['id']}: {node['html']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
