"""`carillon suppressions lift` over an ingest that says how much is left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from carillon.cli import app
from shared.model.timestamps import parse_rfc3339
from shared.process.clock import now_ms

pytestmark = pytest.mark.real


class Ingest:
    """It has so many entries."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.asked: list[dict[str, Any]] = []

    async def lift(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.asked.append(asked)
        page = self.entries if asked["dry_run"] else min(self.entries, 200)
        self.entries -= 0 if asked["dry_run"] else page
        return web.json_response({"entries": page, "more": not asked["dry_run"] and self.entries > 0})

    async def run(self, *options: str) -> str:
        """What the command prints."""
        site = web.Application()
        site.add_routes([web.post("/v1/suppressions/lift", self.lift)])
        runner = web.AppRunner(site)
        await runner.setup()
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        try:
            port = runner.addresses[0][1]
            where = ["--url", f"http://127.0.0.1:{port}", "--key", "ck_000000000000_" + "a" * 43]
            argv = ["suppressions", "lift", *options, *where]
            found = await asyncio.to_thread(CliRunner().invoke, app, argv)
        finally:
            await runner.cleanup()
        assert found.exit_code == 0, found.output
        return found.output.strip()


async def test_it_goes_on_until_nothing_is_left() -> None:
    ingest = Ingest(450)
    said = await ingest.run("--reason", "bounced", "--by", "email/sendgrid", "--since", "6h")
    assert said == "450 taken off"
    assert len(ingest.asked) == 3
    since = {parse_rfc3339(asked.pop("since")) for asked in ingest.asked}
    assert len(since) == 1, "one hour is meant, however long it takes"
    assert 0 <= now_ms() - 6 * 3_600_000 - since.pop() < 600_000
    assert ingest.asked == [{"reason": "bounced", "by": "email/sendgrid", "dry_run": False}] * 3


async def test_a_dry_run_asks_once_and_takes_nothing_off() -> None:
    ingest = Ingest(450)
    assert await ingest.run("--reason", "bounced", "--dry-run") == "450 would be taken off"
    assert ingest.entries == 450
    assert ingest.asked == [{"reason": "bounced", "dry_run": True}]
