"""The gateway of the stack, seen from outside: whether it has the component, and its end by the supervisor's hand."""

from __future__ import annotations

import asyncio
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Final

import aiohttp

from sandbox.child import POLL_SECONDS, listens
from sandbox.supervision import KILL_GATEWAY, supervisor_pid

COMPONENT: Final = "/client/inbox.mjs"
KILLED_WITHIN: Final = 5.0


class ComponentState(StrEnum):
    """Whether the phones can have their inbox."""

    READY = "ready"
    NOT_BUILT = "not_built"
    UNREACHABLE = "unreachable"


async def component_state(http: aiohttp.ClientSession, gateway: str) -> ComponentState:
    """As the gateway answers now."""
    try:
        async with http.head(gateway + COMPONENT) as answer:
            return ComponentState.READY if answer.status == 200 else ComponentState.NOT_BUILT
    except (aiohttp.ClientError, TimeoutError):
        return ComponentState.UNREACHABLE


async def kill_gateway(state: Path, port: int) -> bool:
    """SIGKILL by the supervisor, who starts it again; True once nothing listens at `port` any more."""
    supervisor = supervisor_pid(state)
    if supervisor is None:
        return False
    os.kill(supervisor, KILL_GATEWAY)
    ends = time.monotonic() + KILLED_WITHIN
    while await listens(port):
        if time.monotonic() > ends:
            return False
        await asyncio.sleep(POLL_SECONDS / 5)
    return True
