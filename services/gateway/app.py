"""The gateway: the users' edge. Wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from uuid import uuid4

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.gateway.core.limits import (
    MAX_CONCURRENT_SNAPSHOTS,
    MAX_FETCH_RECORDS,
    PUBLISH_SECONDS,
    READY_GRACE_SECONDS,
)
from services.gateway.cors import InboxCors
from services.gateway.devices.api import device_routes
from services.gateway.devices.form import DeviceForm
from services.gateway.health_api import health_routes
from services.gateway.identity import request_identity
from services.gateway.inbox.api import inbox_routes
from services.gateway.inbox.bulk_api import CountsForm, InboxBatch, bulk_routes
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.snooze_api import SnoozeForm, snooze_routes
from services.gateway.inbox.store import InboxStore
from services.gateway.keys.verifying import open_verifier
from services.gateway.live.api import asyncapi_routes
from services.gateway.live.backlog import Backlog
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.counting import SocketCounting
from services.gateway.live.fanout import Fanout, open_at_end
from services.gateway.live.presence import PresenceKeeper
from services.gateway.live.receipts import SocketReceipts
from services.gateway.live.registry import Registry
from services.gateway.live.server import Sockets
from services.gateway.origins import Origins, parse_origins
from services.gateway.preferences.api import preferences_routes
from services.gateway.problem_responses import add_schemas
from services.gateway.rate_limits import RateLimitHeaders
from services.gateway.readiness import GraceCheck
from services.gateway.settings import GatewaySettings, address_limits
from services.gateway.stats_api import stats_routes
from services.gateway.subscriptions.api import subscription_routes
from services.gateway.tickets.api import ticket_routes
from services.gateway.tickets.socket_identity import identify_socket
from services.gateway.tickets.store import Tickets, TicketStore
from services.gateway.tracking.api import tracking_routes
from services.gateway.tracking.tracker import Tracker
from services.gateway.unsubscribe.api import unsubscribe_routes
from services.gateway.unsubscribe.unsubscriber import Unsubscriber
from services.gateway.web_files import read_web_files, web_file_routes
from shared.catalog.cache import Catalog
from shared.http.conventions import HttpConventions
from shared.http.problems import install_problems
from shared.http.server import serve as serve_http
from shared.http.tokens import TokenVerifier
from shared.kafka.consumer import batches
from shared.kafka.group_commit import GroupPublisher
from shared.kafka.readiness import KafkaReadiness
from shared.model.ports import RecordWriter
from shared.model.signed_tokens import parse_secrets
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database, open_database, ping
from shared.mongo.epoch import epoch
from shared.mongo.inbox_receipts import InboxReceipts
from shared.mongo.presence import Presence
from shared.mongo.profiles import life_of
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.mongo.socket_leases import SocketLeases
from shared.mongo.subscriptions import Subscriptions
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Check, Runtime, run
from shared.process.settings import load

log = structlog.get_logger()
CLIENT_ID = "carillon-gateway"


def create_api(
    settings: GatewaySettings,
    verifier: TokenVerifier,
    *,
    components: Mapping[str, Check],
    database: Database,
    writer: RecordWriter,
    catalog: Catalog,
    store: InboxStore,
    changes: Changes,
    subscriptions: Subscriptions,
    tickets: TicketStore,
) -> FastAPI:
    """The HTTP API over what it needs; nothing connects here."""
    identity = request_identity(verifier, partial(life_of, database))
    api = FastAPIOffline(title="Carillon inbox", version="1", redoc_url=None, redirect_slashes=False)
    api.add_middleware(HttpConventions)
    api.add_middleware(RateLimitHeaders)
    install_problems(api, repeat_status_as="status_code")
    # The fixed paths first: routes are matched in order, and `/{notification_id}` would take them.
    api.include_router(health_routes(components))
    api.include_router(asyncapi_routes(settings.socket_port))
    api.include_router(stats_routes(ApiKeys(database).principal, SocketLeases(database)))
    api.include_router(ticket_routes(tickets, identity))
    api.include_router(preferences_routes(database, writer, settings.topics, catalog, identity))
    api.include_router(subscription_routes(subscriptions, identity, settings))
    api.include_router(device_routes(database, writer, settings.topics, identity))
    api.include_router(bulk_routes(store, changes, catalog, identity))
    api.include_router(snooze_routes(changes, identity))
    api.include_router(inbox_routes(store, changes, catalog, identity))
    api.include_router(web_file_routes(read_web_files()))
    secrets = parse_secrets(settings.unsubscribe_secret.get_secret_value())
    api.include_router(unsubscribe_routes(Unsubscriber(database, writer, settings.topics), secrets))
    api.include_router(tracking_routes(Tracker(database, writer, settings.topics), secrets))
    add_schemas(api, InboxBatch, CountsForm, DeviceForm, SnoozeForm)
    return api


async def serve(runtime: Runtime, settings: GatewaySettings) -> None:
    """Sockets and HTTP until told to stop; the log is followed before the first socket is accepted."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo, settings.mongo_database))
        await await_schema(database, runtime.checks)
        mongodb = GraceCheck("mongodb", partial(ping, database), grace_seconds=READY_GRACE_SECONDS)
        readiness = KafkaReadiness(
            settings.kafka_connection,
            settings.topics.used_by("gateway"),
            strict=settings.topics_strict,
            serves_anyway=True,
        )
        runtime.checks["topics"] = readiness.topics_answer
        await readiness.wait()
        publisher = GroupPublisher(settings.kafka_connection, client_id=CLIENT_ID, deadline_seconds=PUBLISH_SECONDS)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        catalog = Catalog(database)
        await retry_until_available(set_clock, database)
        await retry_until_available(catalog.load)
        inbox_events = await retry_until_available(open_at_end, settings.kafka_connection, settings.topics.inbox)
        stack.push_async_callback(inbox_events.stop)

        async def kafka_answers() -> bool:
            return publisher.alive and bool(await inbox_events.topics())

        kafka = GraceCheck("kafka", kafka_answers, grace_seconds=READY_GRACE_SECONDS)
        runtime.checks |= {"mongodb": mongodb.ready, "kafka": kafka.ready}
        verifier, keys = await open_verifier(settings, runtime, stack)
        origins = Origins(parse_origins(settings.origins))
        store = InboxStore(database)
        tickets = Tickets(database)
        changes = Changes(store, publisher, settings.topics, catalog)
        registry = Registry(most_per_user=settings.sockets_per_user)
        process = uuid4().hex
        presence = PresenceKeeper(Presence(database, process), registry.__contains__)
        registry.changed = presence.note
        stack.push_async_callback(presence.leave)
        counting = SocketCounting(SocketLeases(database, process), registry)
        stack.push_async_callback(counting.leave)
        receipts = SocketReceipts(InboxReceipts(database), publisher, settings.topics)
        stack.push_async_callback(receipts.leave)
        context = ConnectionContext(
            identify=partial(identify_socket, verifier, tickets),
            lives=partial(life_of, database),
            epoch=await retry_until_available(epoch, database),
            registry=registry,
            backlog=Backlog(settings.backlog_bytes),
            store=store,
            changes=changes,
            snapshots=asyncio.Semaphore(MAX_CONCURRENT_SNAPSHOTS),
            receipts=receipts,
        )
        sockets = Sockets(
            context, origins, max_connections=settings.max_connections, addresses=address_limits(settings)
        )
        api = create_api(
            settings,
            verifier,
            components={"database": mongodb.answers, "log": kafka.answers},
            database=database,
            writer=publisher,
            catalog=catalog,
            store=store,
            changes=changes,
            subscriptions=Subscriptions(database),
            tickets=tickets,
        )
        inbox_batches = batches(inbox_events, runtime.stop, max_records=MAX_FETCH_RECORDS, wait_ms=1_000)

        port = await sockets.start(settings.host, settings.socket_port)
        log.info("serving", sockets=f"ws://{settings.host}:{port}")
        await run_until_stopped(
            runtime.stop,
            serve_http(
                InboxCors(api, origins),
                runtime,
                host=settings.host,
                port=settings.gateway_port,
                drain_seconds=settings.drain_seconds,
            ),
            [
                publisher.watch(),
                catalog.follow(settings.kafka_connection, settings.topics, CLIENT_ID),
                Fanout(registry, context.backlog).run(inbox_batches),
                keep_clock(database),
                presence.run(),
                counting.run(),
                receipts.run(),
                *([keys.run()] if keys else []),
            ],
            drain=partial(sockets.stop, settings.drain_seconds),
        )


def main() -> None:
    """The process `carillon run gateway`."""
    settings = load(GatewaySettings)
    run("gateway", settings, lambda runtime: serve(runtime, settings))
