"""Work on the platform's own stores, for commands that set it up or operate it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from carillon.cli import target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from carillon.cli.options import State
    from shared.kafka.producer import Publisher
    from shared.mongo.database import Database
    from shared.process.settings import Settings

R = TypeVar("R")


def on_platform(
    state: State, work: Callable[[Database, Publisher, Settings], Awaitable[R]], *, kafka: bool = True
) -> R:
    """Does `work` with MongoDB and Kafka; exits with a readable line when either does not answer."""
    from services.ingest.models.body import InvalidFields
    from shared.kafka.producer import Publisher
    from shared.model.errors import Invalid, Unavailable
    from shared.model.formats import NewerFormat
    from shared.mongo.database import open_database

    settings = target.settings(state)

    async def run() -> R:
        async with open_database(settings.mongo, settings.mongo_database) as database:
            publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
            if kafka:
                await publisher.start()
            try:
                return await work(database, publisher, settings)
            finally:
                await publisher.stop()

    try:
        return target.carried_out(run())
    except InvalidFields:
        raise
    except (Invalid, NewerFormat, Unavailable) as error:
        target.fail(str(error), "docs/tenants.md; the same command may be repeated")
