"""in_app: ours beside a worker with one insert_one per notification, and the floor. Timed by what is on the log."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from bench import tally
from bench.delivery_load import WORKFLOW, deliveries, key_of, preload, write
from bench.delivery_sides import Measured, Sides, measured
from bench.delivery_webhooks import stopping
from bench.draining import brokers_of, drain
from bench.run import Options
from bench.stage import Names, Stage
from shared.model.channels import Channel

SIDES: Final = Sides(
    what="in_app, row, inbox event and status of each",
    peer="insert_one",
    peer_name="insert_one and send_and_wait, no status",
    counts={"ours": 20_000, "insert_one": 2_000, "floor": 20_000},
    small={"ours": 1_000, "insert_one": 100, "floor": 1_000},
)
PEERS: Final = {"insert_one": "bench.peers.naive_inbox", "floor": "bench.peers.floor_inbox"}


async def once(stage: Stage, side: str, count: int, options: Options) -> Measured:
    """A backlog of so many, drained by one side."""
    names = await stage.lay(WORKFLOW)
    await asyncio.to_thread(write_naive if side == "insert_one" else preload_inbox, names, count)
    if side != "ours":
        child = stage.program(names, PEERS[side])
    elif options.profile:
        child, _ = stage.profiled(names, "delivery", options.profile, {"CARILLON_DELIVERY_CHANNELS": "in_app"})
    else:
        child = stage.service(names, "delivery", CARILLON_DELIVERY_CHANNELS="in_app").child
    identify = {"ours": item_id, "insert_one": tally.field("_id"), "floor": tally.field("id")}[side]
    read = {names.topics.inbox: identify}
    if side != "insert_one":
        read[names.topics.statuses] = tally.header("ce_id") if side == "ours" else tally.field("id")
    async with stopping(child) as worker, tally.Ends(names.kafka) as ends:
        used = await drain(lambda: ends.count(list(read)), count * len(read), [worker], brokers_of(stage))
    found = [await asyncio.to_thread(tally.read, names.kafka, [topic], each) for topic, each in read.items()]
    await stage.clear(names)
    return measured(
        "in_app",
        side,
        count,
        max(each.last for each in found) - min(each.first for each in found),
        used,
        lost=sum(each.lost(count) for each in found),
        doubled=sum(each.doubled for each in found),
    )


def preload_inbox(names: Names, count: int) -> None:
    """As `decide` writes them; blocks."""
    preload(names, Channel.IN_APP, count)


def write_naive(names: Names, count: int) -> None:
    """The same in the words of the naive chain; blocks."""
    topic = names.topics.deliveries(Channel.IN_APP)
    write(
        names,
        (
            (
                topic,
                key_of(one),
                json.dumps({"id": one.id, "user": about.user, "data": json.loads(bytes(about.data))}).encode(),
            )
            for one in deliveries(Channel.IN_APP, count)
            for about in [one.notification]
        ),
    )


def item_id(message: Any) -> str:
    """Of the item that an inbox event of ours brings."""
    return str(json.loads(message.value())["items"][0]["id"])
