"""`python -m bench.peers.own_gateway PORT SOCKETS`: the gateway's own live part, fed from memory instead of Kafka.

Sockets, sessions, registry and fan-out are the product's; the inbox is the tests' twin of it, and empty. What is missing is
the consumer, MongoDB and the HTTP API: what is left is what publishing costs.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import uvloop

from bench.gateway_commands import Commands, Messages
from bench.gateway_items import EVERYONE, event
from bench.stage import TENANT, TOKEN_SECRET
from services.gateway.core.limits import MAX_CONCURRENT_SNAPSHOTS, MAX_FETCH_RECORDS
from services.gateway.identity import identify
from services.gateway.inbox.changes import Changes
from services.gateway.live.backlog import Backlog
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.fanout import Fanout
from services.gateway.live.receipts import SocketReceipts
from services.gateway.live.registry import Registry
from services.gateway.live.server import Sockets
from services.gateway.origins import Origins, parse_origins
from services.gateway.settings import GatewaySettings
from shared.catalog.cache import Catalog
from shared.http.tokens import TokenVerifier
from shared.model import ids
from shared.model.lives import Life
from shared.model.outputs import KafkaRecord, Output
from shared.model.topics import Topics
from shared.process.runtime import YOUNG_OBJECTS
from tests.support.twins.inbox_receipts import MemoryInboxReceipts
from tests.support.twins.inbox_store import MemoryInboxStore

TOPICS = Topics("bench")


class Memory:
    """The log, in memory: what is published is what the fan-out reads next."""

    def __init__(self, sockets: int) -> None:
        self._keys = [ids.user_key(TENANT, f"user-{user}") for user in range(sockets)]
        self._waiting: asyncio.Queue[Sequence[KafkaRecord]] = asyncio.Queue()

    def made(self, messages: Messages) -> list[KafkaRecord]:
        """A record for each user of each message: the product has no other way to tell all of them."""
        made = []
        for user, item in messages:
            value = event(item)
            keys = self._keys if user == EVERYONE else (self._keys[user],)
            made += [KafkaRecord(TOPICS.inbox, 0, 0, key, value, [], 1) for key in keys]
        return made

    async def publish(self, made: Any) -> None:
        self._waiting.put_nowait(made)

    async def batches(self) -> AsyncIterator[Sequence[KafkaRecord]]:
        while True:
            records = await self._waiting.get()
            for start in range(0, len(records), MAX_FETCH_RECORDS):
                yield records[start : start + MAX_FETCH_RECORDS]


class Nobody:
    """The RecordWriter of changes that clients make; those of the bench make none."""

    async def publish(self, outputs: Sequence[Output]) -> None:
        raise AssertionError(f"a client of the bench has changed an inbox: {len(outputs)} records")


async def first_life(_: str, __: str) -> Life:
    return Life()


def context(registry: Registry) -> ConnectionContext:
    """As the gateway's wiring has it."""
    store = MemoryInboxStore()
    return ConnectionContext(
        identify=partial(identify, TokenVerifier(secret=TOKEN_SECRET)),
        lives=first_life,
        epoch="bench",
        registry=registry,
        backlog=Backlog(GatewaySettings.model_fields["backlog_bytes"].default),
        store=store,
        changes=Changes(store, Nobody(), TOPICS, Catalog(SimpleNamespace(workflows=None))),
        snapshots=asyncio.Semaphore(MAX_CONCURRENT_SNAPSHOTS),
        receipts=SocketReceipts(MemoryInboxReceipts(), Nobody(), TOPICS),
    )


async def main(port: int, sockets: int) -> None:
    registry, memory = Registry(), Memory(sockets)
    shared = context(registry)
    server = Sockets(shared, Origins(parse_origins("http://127.0.0.1")), max_connections=20_000)
    await server.start("127.0.0.1", port)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    print("ready", flush=True)
    spreading = asyncio.create_task(Fanout(registry, shared.backlog).run(memory.batches()))
    obeying = asyncio.create_task(Commands(memory, sockets).obey())
    await asyncio.wait((spreading, obeying), return_when=asyncio.FIRST_COMPLETED)
    for task in (spreading, obeying):
        if task.done():
            task.result()
        else:
            task.cancel()


if __name__ == "__main__":
    given = main(int(sys.argv[1]), int(sys.argv[2]))
    if len(sys.argv) > 4:
        with cProfile.Profile() as profile:
            uvloop.run(given)
        profile.dump_stats(sys.argv[4])
    else:
        uvloop.run(given)
