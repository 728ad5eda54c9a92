"""One real MongoDB node, a replica set of one, on loopback, for the stack and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from sandbox.artifacts import find_mongod
from sandbox.child import Child, listens, settle

SET: Final = "rs0"
IDLE_FILES: Final = "file_manager=(close_idle_time=15,close_scan_interval=5,close_handle_minimum=250)"
"""Each collection and index is a file; with its defaults mongod keeps all open that were used in ten minutes, and ends
itself where it may have no more: with a database for each test, or many tenants' experiments, that is soon."""
NOT_YET_INITIALIZED: Final = 94


class Mongod:
    """One node. Its data live in `folder`.

    `spawn` and `await ready()` inside a loop; `start()` does both outside of one. After `kill` or `stop`, the same
    again brings it back with its data.
    """

    def __init__(self, folder: Path, port: int, *, log: Path | None = None, cache_gb: float = 0.5) -> None:
        """Writes nothing yet. `log` None: `mongod.log` in the folder. Raises `Missing` without a mongod."""
        self.folder = folder.resolve()
        self.port = port
        self.uri = f"mongodb://127.0.0.1:{port}/?replicaSet={SET}"
        argv = _argv(self.folder / "data", port, cache_gb)
        self.child = Child("mongod", argv, log=log or self.folder / "mongod.log")

    def spawn(self) -> None:
        """Start the process; does not wait until it answers."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.child.spawn()

    async def ready(self, timeout: float = 60) -> None:
        """Make it a replica set if it is none, wait until it is primary. Raises `NotReady`."""
        await self.child.until(self._is_primary, timeout)

    def start(self, timeout: float = 60) -> None:
        """`spawn` and `ready`, for callers without a loop; blocks."""
        self.spawn()
        settle(self.ready(timeout))

    def stop(self, timeout: float = 20) -> None:
        """Clean shutdown, SIGKILL after `timeout` seconds; blocks."""
        self.child.stop(timeout)

    def kill(self) -> None:
        """SIGKILL; blocks until it has ended."""
        self.child.kill()

    async def _is_primary(self) -> bool:
        if not await listens(self.port):
            return False
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=1000
        )
        try:
            await self._join(client)
            return bool((await client.admin.command("hello")).get("isWritablePrimary"))
        except ConnectionFailure:
            return False
        finally:
            await client.close()

    async def _join(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        """Initiate the set, or tell it the node's new port if the folder was last served on another one."""
        me = f"127.0.0.1:{self.port}"
        try:
            config = (await client.admin.command("replSetGetConfig"))["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            await client.admin.command("replSetInitiate", {"_id": SET, "members": [{"_id": 0, "host": me}]})
            return
        if config["members"][0]["host"] != me:
            config["members"][0]["host"] = me
            config["version"] += 1
            await client.admin.command("replSetReconfig", config, force=True)


def _argv(data: Path, port: int, cache_gb: float) -> list[str]:
    return [
        find_mongod(),
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--replSet", SET, "--oplogSize", "256", "--wiredTigerCacheSizeGB", str(cache_gb)),
        *("--wiredTigerEngineConfigString", IDLE_FILES),
        *("--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet"),
    ]
