"""ingest: the producers' edge. Wiring only."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import FastAPI, Request
from fastapi.responses import Response

from services.ingest import openapi
from services.ingest.acceptance import Acceptance
from services.ingest.admission import Admission
from services.ingest.events_api import event_routes
from services.ingest.idempotency import Requests
from services.ingest.models.body import InvalidFields
from services.ingest.notifications_api import notification_routes
from services.ingest.outbox import OutboxRows
from services.ingest.relay import relay
from services.ingest.request_rows import RequestRows
from services.ingest.sending import NotificationSender
from services.ingest.settings import IngestSettings
from services.ingest.users_api import user_routes
from shared.catalog.cache import Catalog
from shared.http.direct_route import install_direct_routes
from shared.http.problems import Problem, install_problems, respond
from shared.http.server import serve
from shared.kafka.group_commit import GroupCommit, GroupPublisher
from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import ApiKeys
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database, open_database
from shared.mongo.holds import Holds
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load


def create_app(
    settings: IngestSettings, *, database: Database, catalog: Catalog, kafka: GroupCommit, outbox: GroupCommit
) -> FastAPI:
    """The API over what it needs; nothing connects here."""
    app = FastAPI(title="Carillon ingest", version="1", description=openapi.DESCRIPTION, redoc_url=None)
    install_problems(app)

    @app.exception_handler(InvalidFields)
    async def on_fields(request: Request, error: InvalidFields) -> Response:
        fix = "Correct the body as the errors say; the schema is at /openapi.json."
        return respond(Problem(422, error.code, error.detail, fix=fix, pointers=error.pointers), request)

    admission = Admission(ApiKeys(database), prepare_seconds=settings.prepare_timeout_seconds)
    requests = Requests(RequestRows(database))
    acceptance = Acceptance(log=kafka, outbox=outbox, outbox_seconds=settings.outbox_timeout_seconds)
    cancellations = Cancellations(database)
    sender = NotificationSender(
        acceptance=acceptance, catalog=catalog, cancellations=cancellations, topics=settings.topics
    )
    notifications = notification_routes(
        admission=admission,
        requests=requests,
        sender=sender,
        cancellations=cancellations,
        holds=Holds(database),
    )
    events = event_routes(
        admission=admission,
        requests=requests,
        acceptance=acceptance,
        topics=settings.topics,
        kafka_tenant=settings.kafka_tenant,
    )
    install_direct_routes(app, notifications, events)
    app.include_router(notifications)
    app.include_router(events)
    app.include_router(
        user_routes(
            admission=admission,
            database=database,
            writer=kafka,
            topics=settings.topics,
            webhook_secret=settings.webhook_secret.get_secret_value(),
        )
    )
    openapi.complete(app)
    return app


async def serve_it(runtime: Runtime, settings: IngestSettings) -> None:
    """Serves until told to stop; needs Kafka or MongoDB to accept, and MongoDB once to know the catalog."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(settings.mongo, settings.mongo_database, timeout_ms=2_000)
        )
        await await_schema(database, runtime.checks)
        catalog = Catalog(database)
        await retry_until_available(set_clock, database)
        await retry_until_available(catalog.load)
        kafka = GroupPublisher(
            settings.kafka, client_id="carillon-ingest", deadline_seconds=settings.send_timeout_seconds
        )
        rows = OutboxRows(database)
        outbox = GroupCommit(
            rows,
            name="outbox",
            deadline_seconds=settings.outbox_timeout_seconds,
            error=MongoUnavailable,
        )
        for commit in (kafka, outbox):
            await commit.start()
            stack.push_async_callback(commit.stop)

        async def durable() -> bool:
            return kafka.alive and outbox.alive and not (kafka.unavailable and outbox.unavailable)

        runtime.checks["durable"] = durable
        app = create_app(settings, database=database, catalog=catalog, kafka=kafka, outbox=outbox)
        await run_until_stopped(
            runtime.stop,
            serve(app, runtime, host=settings.host, port=settings.ingest_port, drain_seconds=settings.drain_seconds),
            [
                kafka.watch(),
                outbox.watch(),
                relay(rows, kafka, settings.topics),
                catalog.follow(settings.kafka, settings.topics, "carillon-ingest-catalog"),
                keep_clock(database),
            ],
        )


def main() -> None:
    """The process `carillon run ingest`."""
    settings = load(IngestSettings)
    run("ingest", settings, lambda runtime: serve_it(runtime, settings))
