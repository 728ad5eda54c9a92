"""A Redis of the benchmark's own, the broker of the Celery peer: a free port of the loopback, nothing on disk."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sandbox.artifacts import Missing
from sandbox.child import Child, listens
from sandbox.free_ports import free_ports

GET_REDIS: Final = "apt-get install -y redis-server"


def find_redis() -> str:
    """Raises Missing."""
    found = shutil.which("redis-server")
    if found is None:
        raise Missing(f"The Celery peer of this benchmark needs a redis-server on PATH.\nGet it: {GET_REDIS}")
    return found


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[tuple[str, Child]]:
    """Its URI and its process; it is gone afterwards."""
    port = free_ports(1)[0]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = Child("redis-server", [find_redis(), *arguments], log=folder / "redis.log")
    server.spawn()
    try:
        await server.until(lambda: listens(port), 15)
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
