"""The console: the timeline's consumer and the operators' API. Wiring only."""

from __future__ import annotations

import asyncio

from services.console.api import create_api
from services.console.statuses import Statuses
from shared import http
from shared.mongo import open_database, ping
from shared.runtime import Runtime, run
from shared.settings import ConsoleSettings, load


async def serve(runtime: Runtime, settings: ConsoleSettings) -> None:
    """Follows the statuses and answers until told to stop. Raises what ended the consumer."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        statuses = Statuses(database, settings.kafka, settings.topics)
        runtime.checks["mongodb"] = lambda: ping(database)
        runtime.checks["statuses"] = statuses.is_following
        async with asyncio.TaskGroup() as group:
            following = group.create_task(statuses.follow())
            runtime.started = True
            await http.serve(
                create_api(database),
                runtime,
                host=settings.host,
                port=settings.console_port,
                drain_seconds=settings.drain_seconds,
            )
            following.cancel()


def main() -> None:
    """The process `carillon run console`."""
    settings = load(ConsoleSettings)
    run("console", settings, lambda runtime: serve(runtime, settings))
