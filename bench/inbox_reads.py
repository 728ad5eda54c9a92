"""`make bench-inbox`: what a list and a count of an inbox cost, beside what a cache that is never stale would.

Such a cache has to ask MongoDB whether its answer still holds, since another gateway may have read an item, and time
alone brings back what was snoozed: that one look-up is the floor.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from bench.figures import Row, compare, percentile
from bench.run import Options, main, rounds
from bench.stage import TENANT, Stage
from services.gateway.inbox.filters import InboxFilter
from services.gateway.inbox.queries import own
from services.gateway.inbox.store import InboxStore
from shared.model.inbox import InboxItem
from shared.model.users import User
from shared.mongo import inbox_rows
from shared.mongo.database import open_database
from shared.process.clock import now_ms

ITEMS: Final = 150
"""As the page of the chat system's document has."""
PAGE: Final = 20
CALLS, SMALL_CALLS = 1_000, 50
ANN: Final = User(tenant=TENANT, id="ann", expires_at=0)
Call = Callable[[], Awaitable[object]]


async def bench(stage: Stage, options: Options) -> list[Row]:
    names = await stage.lay()
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        rows = [
            inbox_rows.to_row(item(number), delivery=str(number), tenant=TENANT, user=ANN.id) for number in range(ITEMS)
        ]
        await database.inbox.insert_many(rows)
        store = InboxStore(database)
        calls: dict[str, Call] = {
            f"list, {PAGE} of {ITEMS} items": lambda: store.page(ANN, InboxFilter(), limit=PAGE),
            f"count of {ITEMS} items": lambda: store.counts(ANN, [InboxFilter()]),
            FLOOR: lambda: database.inbox.find_one(own(ANN), {"offset": 1}, sort=[("offset", -1)]),
        }
        found: dict[str, list[float]] = {name: [] for name in calls}
        for _ in rounds(("all",), options):
            for name, times in (await interleaved(calls, SMALL_CALLS if options.small else CALLS)).items():
                found[name].append(percentile(times, 0.5))
    await stage.clear(names)
    return [
        compare(f"{name}: p50", "ms", found[name], (), found[FLOOR], less_is_better=True)
        for name in calls
        if name != FLOOR
    ]


FLOOR: Final = "one look-up"


async def interleaved(calls: dict[str, Call], count: int) -> dict[str, list[float]]:
    """Milliseconds of each call, one at a time and in turn, so that whatever else the machine does meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(count):
        for name, call in calls.items():
            begun = time.perf_counter()
            await call()
            times[name].append((time.perf_counter() - begun) * 1000)
    return times


def item(number: int) -> InboxItem:
    """One of a chat."""
    return InboxItem(
        id=f"n{number}", workflow="chat.new_message", type="new_message", offset=number, created_at=now_ms(),
        title="New message from john_doe", body="Hello, how are you?",
    )  # fmt: skip


if __name__ == "__main__":
    main("inbox_reads", __doc__.partition("\n")[0], bench)
