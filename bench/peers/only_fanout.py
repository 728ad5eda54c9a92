"""The router's agent for fan-outs and nothing else of it: what expanding costs without what deciding costs."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.contrib.asgi import faust_app_running
from mode.loop import use

from bench.peers.fanout_start import begin
from services.router.agents import add_agent
from services.router.app import DECIDE_BYTES, FANOUT_PAGES, create_app
from services.router.fanout import FanoutWork
from services.router.members import Members
from services.router.pace import Pace
from services.router.progress import AgentProgress
from services.router.settings import RouterSettings
from shared.kafka.lag import Lag
from shared.kafka.producer import Publisher
from shared.model.fanouts import PAGE
from shared.mongo.database import open_database
from shared.mongo.fanouts import Fanouts
from shared.process.newer import NewerRecords
from shared.process.settings import load

NEVER_BEHIND = 10**9


async def serve() -> None:
    settings = load(RouterSettings)
    topics = settings.topics
    publisher = Publisher(settings.kafka_connection, client_id="bench-fanout", known_keys=PAGE)
    await publisher.start()
    async with (
        open_database(settings.mongo, settings.mongo_database) as database,
        Lag(settings.kafka_connection, {topics.notifications: topics.group("router")}, client_id="bench-lag") as lag,
    ):
        app = create_app(settings)
        work: Any = FanoutWork(
            fanouts=Fanouts(database),
            members=Members(database),
            publisher=publisher,
            topics=topics,
            turn=Pace(lag.count, most=NEVER_BEHIND).turn,
        )
        progress = AgentProgress("fanout", (topics.fanouts,))
        add_agent(
            app, progress, settings, work, chunk_bytes=DECIDE_BYTES, newer=NewerRecords(), chunk_size=FANOUT_PAGES
        )
        async with faust_app_running(app, stop_timeout=1):
            while not app.consumer.assignment():  # noqa: ASYNC110  # Faust has no event for it
                await asyncio.sleep(0.05)
            await begin()
            await asyncio.Event().wait()


if __name__ == "__main__":
    use("uvloop")
    asyncio.run(serve())
