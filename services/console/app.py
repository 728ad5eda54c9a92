"""The console: what keeps statuses and dead letters, and the operators' API. Wiring only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.console.analytics.keeper import RollupKeeper
from services.console.analytics.marks import Marks
from services.console.analytics.recounting import current_reach
from services.console.analytics.rollups import Rollups
from services.console.api import openapi
from services.console.api.analytics_routes import analytics_routes
from services.console.api.audit_routes import audit_routes
from services.console.api.delivery_routes import delivery_routes
from services.console.api.event_routes import event_routes
from services.console.api.job_routes import job_routes
from services.console.api.letter_routes import letter_routes
from services.console.api.redrive_routes import redrive_routes
from services.console.api.routes import timeline_routes
from services.console.deliveries.store import DeliveryStates
from services.console.leading import leading
from services.console.letters.changes import DeadLetterChanges
from services.console.letters.consumer import DeadLetterConsumer, dead_letter_topics, join_dead_letters
from services.console.letters.job_rows import RedriveJobs
from services.console.letters.redriver import Redriver
from services.console.letters.store import DeadLetters
from services.console.settings import ConsoleSettings
from services.console.timeline.consumer import StatusConsumer, join_statuses
from services.console.timeline.status_push import StatusPush
from services.console.timeline.status_rows import StatusRows
from shared.http import server
from shared.http.conventions import HttpConventions
from shared.http.problems import install_problems
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.mongo.api_keys import ApiKeys
from shared.mongo.audit import AuditLog
from shared.mongo.database import Database, open_database, ping
from shared.mongo.schema import await_schema
from shared.mongo.status_endpoints import StatusEndpoints
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load


def create_api(database: Database) -> FastAPI:
    """The operators' API over what it needs; nothing connects here."""
    app = FastAPIOffline(
        title="Carillon console",
        version="1",
        description=openapi.DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(HttpConventions)
    install_problems(app)
    keys = ApiKeys(database)
    app.include_router(timeline_routes(database, keys))
    app.include_router(event_routes(database, keys))
    app.include_router(delivery_routes(database, keys))
    app.include_router(letter_routes(database, keys))
    app.include_router(redrive_routes(database, keys))
    app.include_router(job_routes(database, keys))
    app.include_router(audit_routes(database, keys))
    app.include_router(analytics_routes(database, keys))
    openapi.complete(app)
    return app


async def serve(runtime: Runtime, settings: ConsoleSettings) -> None:
    """Stores statuses and answers requests until the runtime stops. Raises what ended the consumer."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        await await_schema(database, runtime.checks)
        kafka, topics = settings.kafka_connection, settings.topics
        # Calls of one publisher take turns, and these two do not.
        publisher, redrives = (
            Publisher(kafka, client_id=f"carillon-{name}", instead=bury(topics)) for name in ("console", "redrives")
        )
        statuses = StatusConsumer(
            StatusRows(database),
            partial(join_statuses, settings.kafka_connection, settings.topics),
            StatusPush(StatusEndpoints(database).of_all, publisher, settings.topics),
            Marks(database),
            DeliveryStates(database),
        )
        rollups = RollupKeeper(
            marks=Marks(database),
            rollups=Rollups(database),
            reach=partial(current_reach, database),
            leads=leading(database, "rollups"),
            seconds=settings.rollup_seconds,
        )
        letters = DeadLetterConsumer(
            DeadLetters(database),
            partial(join_dead_letters, settings.kafka_connection, settings.topics),
            dead_letter_topics(settings.topics),
        )
        redriver = Redriver(
            letters=DeadLetterChanges(database),
            jobs=RedriveJobs(database),
            audit=AuditLog(database),
            publisher=redrives,
            topics=topics,
            leads=leading(database, "redriver"),
        )
        runtime.checks["mongodb"] = lambda: ping(database)
        runtime.checks["statuses"] = statuses.goes_forward
        runtime.checks["dead_letters"] = letters.goes_forward
        readiness = KafkaReadiness(
            settings.kafka_connection, settings.topics.used_by("console"), strict=settings.topics_strict
        )
        runtime.checks |= {"kafka": readiness.answer, "topics": readiness.topics_answer}
        answering = server.serve(
            create_api(database),
            runtime,
            host=settings.host,
            port=settings.console_port,
            drain_seconds=settings.drain_seconds,
        )
        background = [
            _when_fit(readiness, statuses.run, publisher),
            _when_fit(readiness, letters.run),
            _when_fit(readiness, redriver.run, redrives),
            rollups.run(),
        ]
        await run_until_stopped(runtime.stop, answering, background)


async def _when_fit(
    readiness: KafkaReadiness, work: Callable[[], Awaitable[None]], publisher: Publisher | None = None
) -> None:
    """Until cancelled; what is stored already can be asked for meanwhile."""
    await readiness.wait()
    if publisher is not None:
        await retry_until_available(publisher.start)
    try:
        await work()
    finally:
        if publisher is not None:
            await publisher.stop()


def main() -> None:
    """The process `carillon run console`."""
    settings = load(ConsoleSettings)
    run("console", settings, lambda runtime: serve(runtime, settings))
