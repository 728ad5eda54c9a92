"""`python -m bench.peers.socketio_gateway PORT SOCKETS`: python-socketio under uvicorn, a room for each user, `emit` in-process."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio
import uvicorn

from bench.gateway_commands import Commands, Messages
from bench.gateway_items import EVERYONE

server = socketio.AsyncServer(async_mode="asgi")
obeying: list[asyncio.Task[None]] = []
"""Nothing else holds the task."""


async def connect(sid: str, _: dict[str, Any], auth: dict[str, str]) -> None:
    await server.enter_room(sid, auth["token"])


class Rooms:
    """Publishes by room; to everyone without one."""

    def made(self, messages: Messages) -> list[tuple[str | None, Any]]:
        return [(None if user == EVERYONE else f"user-{user}", json.loads(item)) for user, item in messages]

    async def publish(self, made: Any) -> None:
        for room, item in made:
            await server.emit("notification", item, room=room)


async def start() -> None:
    obeying.append(asyncio.create_task(Commands(Rooms(), int(sys.argv[2])).obey()))
    print("ready", flush=True)


if __name__ == "__main__":
    server.on("connect", connect)
    app = socketio.ASGIApp(server, on_startup=start)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
