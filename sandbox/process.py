"""One service as a child process: start with its environment, ready when its /readyz says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

from sandbox.child import Child, settle

ROOT: Final = Path(__file__).parent.parent


class Service:
    """`python -m carillon run NAME` in its own process; may be started again after it ended."""

    def __init__(self, name: str, *, env: Mapping[str, str], health_port: int, log: Path, root: Path = ROOT) -> None:
        """`env` is added to the parent's; `root` is the source tree that it runs."""
        self.name = name
        self.health_port = health_port
        whole = {**os.environ, **env, "CARILLON_HEALTH_PORT": str(health_port), "PYTHONUNBUFFERED": "1"}
        self.child = Child(name, [sys.executable, "-m", "carillon", "run", name], log=log, env=whole, cwd=root)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now, else None."""
        return self.child.pid

    def spawn(self) -> None:
        """Start the process; does not wait."""
        self.child.spawn()

    async def ready(self, timeout: float = 60) -> None:
        """Wait until /readyz answers 200. Raises `NotReady`."""
        await self.child.until(self._is_ready, timeout)

    def start(self, timeout: float = 60) -> None:
        """`spawn` and `ready`, for callers without a loop; blocks."""
        self.spawn()
        settle(self.ready(timeout))

    def terminate(self, timeout: float = 30) -> int | None:
        """SIGTERM and wait for the drain, SIGKILL after `timeout` seconds; blocks; returns the code."""
        return self.child.stop(timeout)

    def kill(self) -> None:
        """SIGKILL; blocks until it has ended."""
        self.child.kill()

    async def _is_ready(self) -> bool:
        return await is_ready(self.health_port)


async def is_ready(health_port: int, host: str = "127.0.0.1") -> bool:
    """Whether /readyz there answers 200 within two seconds."""
    limit = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(f"http://{host}:{health_port}/readyz") as answer,
        ):
            return answer.status == HTTPStatus.OK
    except (aiohttp.ClientError, TimeoutError):
        return False
