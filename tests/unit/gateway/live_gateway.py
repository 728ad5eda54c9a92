"""Connections over sockets, an inbox and a log in memory: what the whole live part does without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

from services.gateway.inbox.changes import Changes
from services.gateway.live.backlog import Backlog
from services.gateway.live.connection import Connection
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.fanout import Fanout
from services.gateway.live.receipts import SocketReceipts
from services.gateway.live.registry import Registry
from shared.catalog.cache import Catalog
from shared.http.tokens import InvalidToken
from shared.model import ids
from shared.model.errors import KafkaUnavailable
from shared.model.lives import Life
from shared.model.outputs import KafkaRecord, Output
from shared.model.topics import Topics
from shared.model.users import User
from tests.support.sockets import FakeSocket
from tests.support.twins.inbox_receipts import MemoryInboxReceipts
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.unit.gateway.scenes import EPOCH, item, new_item

TOPICS = Topics("t")
SNAPSHOTS_AT_ONCE = 2


async def one_batch(records: Sequence[KafkaRecord]) -> AsyncIterator[Sequence[KafkaRecord]]:
    yield records


class LiveGateway:
    """`expires_at` is that of the next token; a token is good if it names a user by letters."""

    def __init__(self, store: MemoryInboxStore | None = None, *, backlog_bytes: int = 1 << 30) -> None:
        self.registry = Registry()
        self.store = store or MemoryInboxStore()
        self.expires_at = 1e12
        self.issued_at = 0.0
        self.kafka_unavailable = False
        self.lives: dict[str, Life] = {}
        self.receipt_rows = MemoryInboxReceipts()
        self.statuses: list[Output] = []
        self.receipts = SocketReceipts(self.receipt_rows, self, TOPICS)
        self.context = ConnectionContext(
            identify=self._identified,
            lives=self._life,
            epoch=EPOCH,
            registry=self.registry,
            backlog=Backlog(backlog_bytes),
            store=self.store,
            changes=Changes(self.store, self, TOPICS, Catalog(SimpleNamespace(workflows=None))),
            snapshots=asyncio.Semaphore(SNAPSHOTS_AT_ONCE),
            receipts=self.receipts,
        )
        self.fanout = Fanout(self.registry, self.context.backlog)

    @asynccontextmanager
    async def socket(self, token: str | None = "ann", cursor: str | None = None) -> AsyncIterator[FakeSocket]:
        """A client's socket for as long as it is wanted; the connection must end with it."""
        socket = FakeSocket()
        running = asyncio.create_task(Connection(socket, self.context).run(token, cursor))
        try:
            yield socket
        finally:
            socket.end(1000)
            async with asyncio.timeout(10):
                await running

    async def publish(self, outputs: Sequence[Output]) -> None:
        """The RecordWriter: inbox events come back at once, as from the log."""
        if self.kafka_unavailable:
            raise KafkaUnavailable("the test says so")
        self.statuses += [output for output in outputs if output.topic == TOPICS.statuses]
        events = [output for output in outputs if output.topic == TOPICS.inbox]
        records = [KafkaRecord(output.topic, 0, 0, output.key, output.value, [], 1) for output in events]
        await self.fanout.run(one_batch(records))

    async def arrive(self, user: str, *offsets: int, **fields) -> None:
        """New items in the inbox and on the log."""
        await self.store.insert(self._identify(user), [item(offset, **fields) for offset in offsets])
        key = ids.user_key("default", user)
        await self.publish([Output(TOPICS.inbox, key, new_item(offset, **fields), []) for offset in offsets])

    async def _life(self, tenant: str, user: str) -> Life:
        return self.lives.get(user, Life())

    async def _identified(self, token: str) -> User:
        return self._identify(token)

    def _identify(self, token: str) -> User:
        if not token.isalpha():
            raise InvalidToken("the token is not good")
        return User(tenant="default", id=token, expires_at=self.expires_at, issued_at=self.issued_at)
