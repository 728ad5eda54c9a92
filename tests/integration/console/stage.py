"""The console's two halves in this process, and what surrounds them in its tests: the router, users of the API."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import aiohttp
from motor.motor_asyncio import AsyncIOMotorDatabase

from sandbox.free_ports import free_ports
from services.console.app import create_api
from services.console.deliveries.store import DeliveryStates
from services.console.timeline.consumer import StatusConsumer, join_statuses
from services.console.timeline.status_rows import StatusRows
from services.router.core.effects import derive_effects
from services.router.decisions import Decisions
from shared.http import server
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.outputs import Output
from shared.model.statuses import Subject, status
from shared.model.topics import Topics
from shared.mongo import api_keys
from shared.mongo.api_keys import Scope
from shared.mongo.database import open_database
from shared.mongo.holds import Holds
from shared.process.runtime import Runtime
from tests.support.env import Names
from tests.support.wait import until
from tests.unit.console import test_timeline as made


@dataclass(kw_only=True)
class Console:
    url: str
    database: AsyncIOMotorDatabase
    publisher: Publisher
    topics: Topics
    keys: dict[str, str]

    async def get(self, path: str, key: str | None = "default") -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"} if key else {}
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def timeline(self, notification: str = made.NOTIFICATION.id, key: str | None = "default") -> tuple[int, dict]:
        return await self.get(f"/v1/notifications/{notification}/timeline", key)

    async def until(self, entries: int) -> dict:
        """The timeline once it has that many entries."""

        async def grown() -> dict:
            code, timeline = await self.timeline()
            return timeline if code == 200 and len(timeline["entries"]) >= entries else {}

        return await until(grown, what=f"{entries} entries in the timeline")


def sent(topics: Topics, channel: Channel) -> Output:
    state = DeliveryState.SENT
    row = made.became(channel, state)
    return status(
        topics.statuses, area="delivery", state=state, subject=Subject(row["subject"], 0, 0), tenant="default",
        user="ana", at=made.ACCEPTED + 90, data={"notification": made.NOTIFICATION.id, "channel": channel, "step": "notify",
        "event_id": "e1", "workflow": "order.shipped", "attempts": 1},
    )  # fmt: skip


@asynccontextmanager
async def consuming(database, bootstrap: str, topics: Topics) -> AsyncIterator[StatusConsumer]:
    consumer = StatusConsumer(
        StatusRows(database), partial(join_statuses, bootstrap, topics), states=DeliveryStates(database)
    )
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
        assert not task.done(), "the consumer ended"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def console(names: Names) -> AsyncIterator[Console]:
    """The console's two halves, on a test's own topics and database."""
    topics, port, runtime = names.topics, free_ports(1)[0], Runtime(service="console")
    async with open_database(names.brokers.mongo, names.database) as database:
        keys = {
            "default": await api_keys.create(database, tenant="default", scopes=frozenset({Scope.OPERATE}), name="a"),
            "other": await api_keys.create(database, tenant="other", scopes=frozenset(Scope), name="b"),
            "sender": await api_keys.create(database, tenant="default", scopes=frozenset({Scope.SEND}), name="c"),
        }
        publisher = Publisher(names.brokers.kafka, client_id="test")
        await publisher.start()
        serving = asyncio.create_task(
            server.serve(create_api(database), runtime, host="127.0.0.1", port=port, drain_seconds=1)
        )
        try:
            async with consuming(database, names.brokers.kafka, topics):
                made_console = Console(
                    url=f"http://127.0.0.1:{port}", database=database, publisher=publisher, topics=topics, keys=keys
                )
                await until(lambda: _answers(made_console), what="the API answers")
                yield made_console
        finally:
            runtime.stop.set()
            await serving
            await publisher.stop()


async def _answers(console: Console) -> bool:
    with suppress(aiohttp.ClientConnectionError):
        return (await console.get("/openapi.json"))[0] == 200
    return False


async def decide(live: Console) -> None:
    """What `decide` does with a notification: in-app goes, e-mail waits, no webhook."""
    carried = await Decisions(live.database).insert([made.decision(made.IN_APP, made.QUIET, made.NO_WEBHOOK)])
    effects = derive_effects(live.topics, carried)
    await Holds(live.database).insert(effects.holds)
    await live.publisher.publish(effects.outputs)


async def why(live: Console, notification: str, key: str, *more: str) -> tuple[int | None, str, str]:
    return await command(live, "why", notification, *more, "--key", key)


async def command(live: Console, *words: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a command."""
    argv = ("-m", "carillon", *words, "--url", live.url)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
