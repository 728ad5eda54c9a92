"""The router's agent for fan-outs and nothing else of it: what expanding costs without what deciding costs."""

from __future__ import annotations

import asyncio

from faust.contrib.asgi import faust_app_running
from mode.loop import use

from bench.peers.fanout_start import begin
from services.router.agents import add_agent
from services.router.app import DECIDE_BYTES, create_app
from services.router.fanout_parts import PAGES_AT_ONCE, FanoutParts
from services.router.progress import AgentProgress
from services.router.settings import RouterSettings
from shared.mongo.database import open_database
from shared.process.newer import NewerRecords
from shared.process.settings import load

NEVER_BEHIND = 10**9


async def serve() -> None:
    settings = load(RouterSettings).model_copy(update={"fanout_lag": NEVER_BEHIND})
    async with open_database(settings.mongo, settings.mongo_database) as database:
        parts, app = FanoutParts(settings, database, int), create_app(settings)
        await parts.start()
        add_agent(
            app,
            AgentProgress("fanout", (settings.topics.fanouts,)),
            settings,
            parts.work,
            chunk_bytes=DECIDE_BYTES,
            newer=NewerRecords(),
            chunk_size=PAGES_AT_ONCE,
        )
        async with faust_app_running(app, stop_timeout=1):
            while not app.consumer.assignment():  # noqa: ASYNC110  # Faust has no event for it
                await asyncio.sleep(0.05)
            await begin()
            await asyncio.Event().wait()


if __name__ == "__main__":
    use("uvloop")
    asyncio.run(serve())
