"""ingest: the producers' edge. Wiring only."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.ingest import openapi
from services.ingest.acceptance import Acceptance
from services.ingest.admission import Admission
from services.ingest.backlog import RouterBacklog, open_backlog
from services.ingest.callbacks.api import callback_routes
from services.ingest.cancelling import Canceller
from services.ingest.dry_run import DryRuns, Rehearsal
from services.ingest.event_handshake import handshake_routes, parse_hook_origins
from services.ingest.events_api import event_routes
from services.ingest.fanouts_api import fanout_routes
from services.ingest.field_problems import install_field_problems
from services.ingest.idempotency import Requests
from services.ingest.notifications_api import notification_routes
from services.ingest.outbox import OutboxRows
from services.ingest.pull_api import pull_routes
from services.ingest.relay import relay
from services.ingest.request_rows import RequestRows
from services.ingest.schedules_api import schedule_routes
from services.ingest.sending import NotificationSender
from services.ingest.settings import IngestSettings
from services.ingest.status_endpoints_api import status_endpoint_routes
from services.ingest.suppressions_api import suppression_routes
from services.ingest.tenant_api import tenant_routes
from services.ingest.tenant_rates import TenantRates
from services.ingest.timelines import timeline_routes
from services.ingest.topics_api import topic_routes
from services.ingest.unknown_users import UnknownUsers, all_known, known_users
from services.ingest.users_api import user_routes
from shared.catalog.cache import Catalog
from shared.http.conventions import HttpConventions
from shared.http.direct_route import NO_TELEMETRY, install_direct_routes
from shared.http.problems import install_problems
from shared.http.server import serve
from shared.http.work_limits import ReleasesWork, WorkLimits
from shared.kafka.group_commit import GroupCommit, GroupPublisher
from shared.kafka.readiness import KafkaReadiness
from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import ApiKeys
from shared.mongo.cancellations import Cancellations
from shared.mongo.changed_inputs import changed_inputs
from shared.mongo.database import Database, open_database
from shared.mongo.deciding_inputs import DecidingInputs
from shared.mongo.fanouts import Fanouts
from shared.mongo.holds import Holds
from shared.mongo.pull_senders import PullTaking
from shared.mongo.schedules import Schedules
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.mongo.status_endpoints import StatusEndpoints
from shared.mongo.subscriptions import Subscriptions
from shared.mongo.tenants import read_many as read_tenants
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load


def create_app(
    settings: IngestSettings,
    *,
    database: Database,
    catalog: Catalog,
    kafka: GroupCommit,
    outbox: GroupCommit,
    backlog: RouterBacklog | None = None,
) -> FastAPI:
    """The API over what it needs; nothing connects here."""
    app = FastAPIOffline(title="Carillon ingest", version="1", description=openapi.DESCRIPTION, redoc_url=None,
                         redirect_slashes=False, telemetry=NO_TELEMETRY)  # fmt: skip
    app.add_middleware(HttpConventions)
    install_problems(app)
    install_field_problems(app)

    limits = WorkLimits(most_bytes=settings.work_bytes, most_requests=settings.requests_per_key)
    admission = Admission(
        ApiKeys(database),
        limits=limits,
        prepare_seconds=settings.prepare_timeout_seconds,
        rates=TenantRates(partial(read_tenants, database), read_seconds=settings.prepare_timeout_seconds),
    )
    requests = Requests(RequestRows(database))
    acceptance = Acceptance(log=kafka, outbox=outbox, outbox_seconds=settings.outbox_timeout_seconds, backlog=backlog)
    cancellations = Cancellations(database)
    fanouts = Fanouts(database)
    sender = NotificationSender(
        acceptance=acceptance,
        catalog=catalog,
        cancellations=cancellations,
        fanouts=fanouts,
        topics=settings.topics,
        unknown_users=UnknownUsers(known_users(database)),
        console_url=settings.console_url,
    )

    def rehearsing(rehearsal: Rehearsal) -> NotificationSender:
        return NotificationSender(
            acceptance=rehearsal,
            catalog=catalog,
            cancellations=cancellations,
            fanouts=rehearsal,
            topics=settings.topics,
            unknown_users=UnknownUsers(all_known),
        )

    notifications = notification_routes(
        admission=admission,
        requests=requests,
        sender=sender,
        canceller=Canceller(database, acceptance=acceptance, topics=settings.topics),
        dry_runs=DryRuns(
            loader=DecidingInputs(database),
            catalog=catalog,
            subscribers=Subscriptions(database),
            topics=settings.topics,
            sender=rehearsing,
        ),
    )
    events = event_routes(
        admission=admission,
        requests=requests,
        acceptance=acceptance,
        catalog=catalog,
        topics=settings.topics,
        kafka_tenant=settings.kafka_tenant,
    )
    install_direct_routes(app, notifications, events, around=ReleasesWork)
    app.add_middleware(ReleasesWork)  # outermost: nothing that holds work passes it by
    app.include_router(notifications)
    app.include_router(events)
    app.include_router(timeline_routes(settings.console_url))
    app.include_router(handshake_routes(parse_hook_origins(settings.event_origins)))
    app.include_router(fanout_routes(admission=admission, fanouts=fanouts))
    app.include_router(topic_routes(admission=admission, subscriptions=Subscriptions(database)))
    app.include_router(
        schedule_routes(admission=admission, requests=requests, sender=sender, schedules=Schedules(database))
    )
    app.include_router(
        user_routes(
            admission=admission,
            database=database,
            writer=kafka,
            topics=settings.topics,
            webhook_secret=settings.webhook_master,
        )
    )
    app.include_router(pull_routes(admission=admission, senders=PullTaking(database), inputs=changed_inputs(database)))
    app.include_router(suppression_routes(admission=admission, database=database, writer=kafka, topics=settings.topics))
    app.include_router(
        callback_routes(settings, database=database, writer=kafka, topics=settings.topics, limits=limits)
    )
    app.include_router(
        tenant_routes(
            admission=admission,
            requests=requests,
            database=database,
            writer=kafka,
            topics=settings.topics,
            holds=Holds(database),
        )
    )
    endpoints = StatusEndpoints(database)
    app.include_router(
        status_endpoint_routes(admission=admission, endpoints=endpoints, webhook_secret=settings.webhook_master)
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
            settings.kafka_connection,
            client_id="carillon-ingest",
            deadline_seconds=settings.send_timeout_seconds,
            meanwhile="sends and events are accepted into the outbox, profiles are answered 503",
        )
        rows = OutboxRows(database)
        outbox = GroupCommit(
            rows,
            name="outbox",
            deadline_seconds=settings.outbox_timeout_seconds,
            error=MongoUnavailable,
            meanwhile="what Kafka does not take either is answered 503",
        )
        for commit in (kafka, outbox):
            await commit.start()
            stack.push_async_callback(commit.stop)

        async def durable() -> bool:
            return kafka.alive and outbox.alive and not (kafka.unavailable and outbox.unavailable)

        readiness = KafkaReadiness(
            settings.kafka_connection,
            settings.topics.used_by("ingest"),
            strict=settings.topics_strict,
            serves_anyway=True,
        )
        runtime.checks |= {"durable": durable, "topics": readiness.topics_answer}
        backlog = await stack.enter_async_context(open_backlog(settings))
        app = create_app(settings, database=database, catalog=catalog, kafka=kafka, outbox=outbox, backlog=backlog)
        await run_until_stopped(
            runtime.stop,
            serve(
                app,
                runtime,
                host=settings.host,
                port=settings.ingest_port,
                drain_seconds=settings.drain_seconds,
                max_connections=settings.ingest_connections,
            ),
            [
                kafka.watch(),
                outbox.watch(),
                relay(rows, kafka, settings.topics),
                _follow(catalog, settings, readiness),
                keep_clock(database),
                backlog.run(),
            ],
        )


async def _follow(catalog: Catalog, settings: IngestSettings, readiness: KafkaReadiness) -> None:
    """Keeps the catalog fresh, whatever Kafka does. Raises KafkaRejected when that does not let us in at the start."""
    await readiness.wait()
    await catalog.follow(settings.kafka_connection, settings.topics, "carillon-ingest-catalog")


def main() -> None:
    """The process `carillon run ingest`."""
    settings = load(IngestSettings)
    run("ingest", settings, lambda runtime: serve_it(runtime, settings))
