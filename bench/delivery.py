"""`make bench-delivery`: the delivery worker of each kind beside what one writes first, and the floor.

Each run has fresh topics with a backlog, real Kafka and mongod, and one process of ours with its defaults. Everything is
sent to a sink in a process of its own (`bench/delivery_sink.py`), on sixteen addresses of the loopback: of one host no more
are sent at once than its share, and with a single host that share is what would be measured.
"""

from __future__ import annotations

from collections import defaultdict
from types import ModuleType
from typing import Final

from bench import delivery_inboxes, delivery_mails, delivery_webhooks
from bench.delivery_sides import Measured, compared
from bench.delivery_waiting import retries, urgent
from bench.figures import Row
from bench.redis import find_redis
from bench.run import Options, main, rounds
from bench.stage import Stage

CHANNELS: Final[dict[str, ModuleType]] = {
    "webhooks": delivery_webhooks,
    "in_app": delivery_inboxes,
    "email": delivery_mails,
}
WAITING: Final = {"retries": retries, "urgent": urgent}
BUDGET_SECONDS: Final = 900


async def bench(stage: Stage, options: Options) -> list[Row]:
    if options.profile:
        name = options.only or "webhooks"
        await CHANNELS[name].once(stage, "ours", counts(name, options)["ours"], options)
        return []
    asked = [options.only] if options.only else [*CHANNELS, *WAITING]
    runs: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    order = [f"{name}/{side}" for name in CHANNELS if name in asked for side in counts(name, options)]
    for turn in rounds(order, options, BUDGET_SECONDS):
        name, _, side = turn.partition("/")
        runs[name, side].append(await CHANNELS[name].once(stage, side, counts(name, options)[side], options))
    rows = []
    for name, channel in CHANNELS.items():
        if name in asked:
            rows += compared(channel.SIDES, {side: runs[name, side] for side in counts(name, options)})
    for name, measure in WAITING.items():
        if name in asked:
            rows += await measure(stage, options)
    return rows


def counts(name: str, options: Options) -> dict[str, int]:
    """By side how many deliveries it is given."""
    sides = CHANNELS[name].SIDES
    return dict(sides.small if options.small else sides.counts)


if __name__ == "__main__":
    find_redis()
    main("delivery", __doc__.partition("\n")[0], bench, only=[*CHANNELS, *WAITING])
