"""The main job: people, sockets, events by every ingress, the outcomes, and whether the sums are right."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp
from rich.console import Console
from rich.text import Text

from carillon.cli.program import program
from carillon.client import AsyncClient
from sandbox.demo import people, table
from sandbox.demo.events import Producers
from sandbox.demo.outcomes import settle
from sandbox.demo.plan import LATER, LIVE, PLAN
from sandbox.demo.received import complete, everything, last_at_the_sink, token
from sandbox.demo.socket_client import SocketClient
from sandbox.demo.steps import Steps
from sandbox.demo.sums import add_up, awaited, missing
from sandbox.stack import Stack
from shared.process.clock import now_ms

SECONDS: Final = 60.0
"""All of it; what is not there by then is missing."""


async def demonstrate(stack: Stack, console: Console) -> int:
    """Runs the demonstration; returns the exit code."""
    until, began, steps = time.monotonic() + SECONDS, now_ms(), Steps(console)
    live, later = (SocketClient(stack.urls["sockets"], token(stack, user)) for user in (LIVE, LATER))
    client = AsyncClient(stack.urls["ingest"], stack.api_key or "", console_url=stack.urls["console"], patience=10)
    async with client as carillon, aiohttp.ClientSession() as session:
        since = await last_at_the_sink(session, stack)
        with steps.step("people, by PUT /v1/users/{id}") as step:
            loaded = await people.load(carillon, stack.urls["sink"], began)
            step.detail = ", ".join(loaded)
        with steps.step(f"{LIVE} connected by WebSocket") as step:
            await live.connect()
            step.detail = f"{LATER} is not connected"
        with steps.step("events sent, each of them durable") as step:
            accepted = await Producers(stack, carillon, f"{began:x}").send(PLAN)
            step.detail = f"{len(accepted)} by {len({one.ingress for one in PLAN})} ways"
        with steps.step("notifications at their end, or held") as step:
            found = await settle(carillon, accepted, until, step.count)
        with steps.step(f"{LATER} connected by WebSocket") as step:
            await later.connect()
            step.detail = f"{later.unread} unread were waiting"
        with steps.step("messages received") as step:
            others = [user for user in loaded if user not in (LIVE, LATER)]
            received = await complete(
                lambda: everything(session, stack, since, (live, later), others),
                lambda received: awaited(found, received),
                until,
            )
            step.detail = "all that were sent" if not awaited(found, received) else "not all"
        await asyncio.gather(live.leave(), later.leave())
    lacking = list(missing(accepted, found, received))
    zones = {user: people.quiet_zone(body) for user, body in loaded.items()}
    console.print("", table.outcomes(accepted, found, received, zones), table.totals(add_up(accepted, found, received)))
    for line in lacking:
        console.print(Text(f"✗ {line}", "red"), soft_wrap=True)
    if lacking:
        return 1
    held = next((row for part in found.values() for row in part if row.state == "held"), None)
    example = held.notification if held else next(iter(found))
    console.print("\nEverything adds up.", style="bold green")
    console.print("Ask why about one of them (make up starts the stack and leaves it running, make down stops it):")
    console.print(f"  {program()} why {example}", highlight=False, soft_wrap=True)
    return 0
