"""Tells that inbox items have reached sockets, of workflows that want it told: behind the fan-out, many at once.

A row is marked, then its status published, then the row is done. Who dies in between is followed by another, who finds
what is marked and tells it again, under the same id; what died with a process before it was marked is told when its
client comes back, whose cursor says what it has had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from itertools import islice
from typing import Final, TypeVar
from uuid import uuid4

from services.gateway.live.core.session import Session
from services.gateway.live.core.state import SessionState
from shared.model import ids
from shared.model.errors import Unavailable
from shared.model.inbox_receipts import CaughtUp, InboxOwner, ReachedItem, ReceiptRows, reached_status
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.process.failpoints import Failpoint, failpoint
from shared.process.gateway_metrics import INBOX_RECEIPTS
from shared.process.retries import retry_until_available

GATHER_SECONDS: Final = 0.1
"""Between two batches."""
MAX_NOTED: Final = 20_000
"""What may wait, of items and of clients that came: beyond it a client's next cursor says what it has had."""
MAX_AT_ONCE: Final = 1_000
LOOK_SECONDS: Final = 10.0
"""Between two looks for what another process has marked and not told."""
TELL_SECONDS: Final = 10.0
"""What telling may take before others take it that nobody does."""
LEAVE_SECONDS: Final = 2.0
"""What telling the last ones may take when the process ends."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class SocketReceipts:
    """One of a process. Noting costs an entry of a dictionary, and nothing where no workflow asks."""

    def __init__(self, rows: ReceiptRows, writer: RecordWriter, topics: Topics) -> None:
        self._rows = rows
        self._writer = writer
        self._topic = topics.statuses
        self._queued: dict[str, str] = {}
        """By delivery the key of the user who has a socket that it was queued for."""
        self._caught_up: dict[InboxOwner, CaughtUp] = {}
        self._wakes = asyncio.Event()

    def queued(self, session: Session, delivery: str) -> None:
        """A new item was queued for a session's socket; for one that is closed by now nothing is noted."""
        user = session.user
        if session.state is not SessionState.LIVE or user is None or delivery in self._queued:
            return
        if len(self._queued) >= MAX_NOTED:
            INBOX_RECEIPTS.labels("left").inc()
            return
        self._queued[delivery] = ids.user_key(user.tenant, user.id).decode()
        self._wakes.set()

    def caught_up(self, session: Session) -> None:
        """A session was told what its client has missed."""
        has, user = session.take_caught_up(), session.user
        if has is None or session.state is not SessionState.LIVE or user is None:
            return
        owner = InboxOwner(ids.user_key(user.tenant, user.id).decode(), user.life)
        before = self._caught_up.get(owner)
        if before is not None:
            has = CaughtUp(max(has.since, before.since), has.others | before.others)
        elif len(self._caught_up) >= MAX_NOTED:
            INBOX_RECEIPTS.labels("left").inc()
            return
        self._caught_up[owner] = has
        self._wakes.set()

    async def run(self) -> None:
        """Until cancelled. While MongoDB or Kafka are unavailable it waits; what is noted meanwhile is bounded."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(looked + LOOK_SECONDS - loop.time(), 0.0)):
                    await self._wakes.wait()
            if self._wakes.is_set():
                await asyncio.sleep(GATHER_SECONDS)
                await self._tell_noted()
            if loop.time() - looked >= LOOK_SECONDS:
                looked = loop.time()
                await self._tell_again()

    async def leave(self) -> None:
        """The process ends: what is noted is told, if that does not take long. Raises nothing."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while self._queued or self._caught_up:
                    await self._tell_noted()

    async def _tell_noted(self) -> None:
        queued, caught_up = _take(self._queued), _take(self._caught_up)
        if not self._queued and not self._caught_up:
            self._wakes.clear()
        found = await retry_until_available(self._rows.reach, uuid4().hex, queued, caught_up)
        if found:
            failpoint(Failpoint.AFTER_RECEIPT)
            await self._tell(found)
            INBOX_RECEIPTS.labels("published").inc(len(found))

    async def _tell_again(self) -> None:
        while found := await retry_until_available(self._rows.undone, TELL_SECONDS, MAX_AT_ONCE):
            await self._tell(found)
            INBOX_RECEIPTS.labels("repeated").inc(len(found))

    async def _tell(self, items: Iterable[ReachedItem]) -> None:
        told = {item.subject.id: reached_status(self._topic, item) for item in items}
        await retry_until_available(self._writer.publish, list(told.values()))
        await retry_until_available(self._rows.done, list(told))


def _take(noted: MutableMapping[_Key, _Value]) -> dict[_Key, _Value]:
    """The MAX_AT_ONCE that were noted first, which are noted no more."""
    return {key: noted.pop(key) for key in list(islice(noted, MAX_AT_ONCE))}
