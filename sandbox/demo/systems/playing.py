"""Which systems can be played, and how one is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp
from rich.console import Console

from carillon.cli.program import program
from carillon.client import AsyncClient
from sandbox.demo.steps import Steps
from sandbox.demo.systems import bookings, chat, complaints, facilitators, workorders
from sandbox.demo.systems.scene import Scene, received_table
from sandbox.stack import Stack

PLAYS: Final[Mapping[str, Callable[[Scene], Awaitable[None]]]] = {
    "bookings": bookings.play,
    "chat": chat.play,
    "complaints": complaints.play,
    "facilitators": facilitators.play,
    "workorders": workorders.play,
}


async def play_system(name: str, stack: Stack, console: Console) -> int:
    """Plays one, and shows what was received where; returns the exit code. Raises NotSeen, and what the clients do."""
    client = AsyncClient(stack.urls["ingest"], stack.api_key or "", console_url=stack.urls["console"], patience=10)
    async with client as carillon, aiohttp.ClientSession() as http:
        scene = Scene(stack=stack, carillon=carillon, http=http, steps=Steps(console))
        await PLAYS[name](scene)
    console.print("", received_table(scene.received))
    console.print(f"\nAll of it was received. How it is made: catalog/{name}/, docs/systems.md", style="bold green")
    console.print(f"  {program()} deliveries --since 5m", highlight=False)
    return 0
