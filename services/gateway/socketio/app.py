"""Socket.IO: the users' edge for its clients, as a process of its own. Wiring only."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from uuid import uuid4

import aiohttp

from services.gateway.core.limits import (
    MAX_CONCURRENT_SNAPSHOTS,
    MAX_FETCH_RECORDS,
    MAX_MESSAGE_BYTES,
    PUBLISH_SECONDS,
    READY_GRACE_SECONDS,
)
from services.gateway.health_api import RecentAnswer
from services.gateway.identity import identify
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.store import InboxStore
from services.gateway.keys.verifying import open_verifier
from services.gateway.live.backlog import Backlog
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.counting import SocketCounting
from services.gateway.live.fanout import Fanout, open_at_end
from services.gateway.live.presence import PresenceKeeper
from services.gateway.live.receipts import SocketReceipts
from services.gateway.live.registry import Registry
from services.gateway.origins import Origins, parse_origins
from services.gateway.readiness import GraceCheck
from services.gateway.settings import address_limits
from services.gateway.socketio.bookings import BookingSender
from services.gateway.socketio.counted_websocket import CountedWebSocket
from services.gateway.socketio.event_connection import EventContext
from services.gateway.socketio.facilitators import Facilitators
from services.gateway.socketio.numbers import StoredNumbers
from services.gateway.socketio.settings import SocketIoSettings
from services.gateway.socketio.status_api import ServiceFigures, create_status_api
from services.gateway.socketio.totals import InboxTotals
from shared.catalog.cache import Catalog
from shared.http.server import serve as serve_http
from shared.kafka.consumer import batches
from shared.kafka.group_commit import GroupPublisher
from shared.kafka.readiness import KafkaReadiness
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database, open_database, ping
from shared.mongo.epoch import epoch
from shared.mongo.inbox_receipts import InboxReceipts
from shared.mongo.presence import Presence
from shared.mongo.profiles import life_of
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.mongo.socket_leases import SocketLeases
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

CLIENT_ID = "carillon-socketio"
MISSING = "Socket.IO needs the extra `socketio`: pip install 'carillon-platform[socketio]'"


async def serve(runtime: Runtime, settings: SocketIoSettings) -> None:
    """Socket.IO until told to stop; the log is followed before the first client is accepted."""
    from services.gateway.socketio.edge import SocketIoEdge, create_app  # noqa: PLC0415  # only with the extra

    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo, settings.mongo_database))
        await await_schema(database, runtime.checks)
        mongodb = GraceCheck("mongodb", partial(ping, database), grace_seconds=READY_GRACE_SECONDS)
        topics = settings.topics.used_by("gateway")
        kafka = settings.kafka_connection
        readiness = KafkaReadiness(kafka, topics, strict=settings.topics_strict, serves_anyway=True)
        runtime.checks["topics"] = readiness.topics_answer
        await readiness.wait()
        publisher = GroupPublisher(kafka, client_id=CLIENT_ID, deadline_seconds=PUBLISH_SECONDS)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        catalog = Catalog(database)
        await retry_until_available(set_clock, database)
        await retry_until_available(catalog.load)
        inbox_events = await retry_until_available(open_at_end, kafka, settings.topics.inbox)
        stack.push_async_callback(inbox_events.stop)

        async def kafka_answers() -> bool:
            return publisher.alive and bool(await inbox_events.topics())

        log_check = GraceCheck("kafka", kafka_answers, grace_seconds=READY_GRACE_SECONDS)
        runtime.checks |= {"mongodb": mongodb.ready, "kafka": log_check.ready}
        verifier, keys = await open_verifier(settings, runtime, stack)
        store = InboxStore(database)
        registry = Registry(most_per_user=settings.sockets_per_user)
        process = uuid4().hex
        api_keys = ApiKeys(database).principal
        presence = PresenceKeeper(Presence(database, process), registry.__contains__)
        registry.changed = presence.note
        stack.push_async_callback(presence.leave)
        counting = SocketCounting(SocketLeases(database, process), registry)
        stack.push_async_callback(counting.leave)
        receipts = SocketReceipts(InboxReceipts(database), publisher, settings.topics)
        stack.push_async_callback(receipts.leave)
        live = ConnectionContext(
            identify=partial(identify, verifier),
            lives=partial(life_of, database),
            epoch=await retry_until_available(epoch, database),
            registry=registry,
            backlog=Backlog(settings.backlog_bytes),
            store=store,
            changes=Changes(store, publisher, settings.topics, catalog),
            snapshots=asyncio.Semaphore(MAX_CONCURRENT_SNAPSHOTS),
            receipts=receipts,
        )
        edge = SocketIoEdge(
            EventContext(live, StoredNumbers(database)),
            None if settings.socketio_any_origin else Origins(parse_origins(settings.origins)),
            Facilitators(live.identify, open_tenant=settings.socketio_open_tenant),
            principal=api_keys,
            bookings=await _open_bookings(settings, database, stack),
        )
        backends = PresenceKeeper(Presence(database, process), edge.backends.is_connected)
        edge.backends.changed = backends.note
        stack.push_async_callback(backends.leave)

        async def serves() -> bool:
            return all(await asyncio.gather(mongodb.answers(), log_check.answers()))

        status = create_status_api(
            api_keys,
            ServiceFigures(SocketLeases(database), Presence(database), InboxTotals(database)),
            RecentAnswer(serves),
            public_tenant=settings.socketio_public_tenant or settings.socketio_open_tenant,
        )
        inbox_batches = batches(inbox_events, runtime.stop, max_records=MAX_FETCH_RECORDS, wait_ms=1_000)
        sent_away = asyncio.Event()

        async def drain() -> None:
            try:
                await edge.drain(settings.drain_seconds)
            finally:
                sent_away.set()

        await run_until_stopped(
            runtime.stop,
            serve_http(
                create_app(
                    edge,
                    lambda: not runtime.stop.is_set() and len(edge.sessions) < settings.max_connections,
                    status,
                    address_limits(settings),
                ),
                runtime,
                host=settings.host,
                port=settings.socketio_port,
                drain_seconds=settings.drain_seconds,
                max_message_bytes=MAX_MESSAGE_BYTES,
                websocket=CountedWebSocket,
                until=sent_away,
            ),
            [
                publisher.watch(),
                catalog.follow(kafka, settings.topics, CLIENT_ID),
                Fanout(registry, live.backlog).run(inbox_batches),
                keep_clock(database),
                presence.run(),
                backends.run(),
                counting.run(),
                receipts.run(),
                *([keys.run()] if keys else []),
            ],
            drain=drain,
        )


async def _open_bookings(settings: SocketIoSettings, database: Database, stack: AsyncExitStack) -> BookingSender | None:
    """What sends for backends; None where none may."""
    if not settings.socketio_ingest_url:
        return None
    http = await stack.enter_async_context(aiohttp.ClientSession())
    return BookingSender(http, settings.socketio_ingest_url, settings.socketio_workflow, database)


def main() -> None:
    """The process `carillon run socketio`."""
    try:
        import socketio  # noqa: F401, PLC0415  # whether it is there
    except ModuleNotFoundError:
        sys.exit(MISSING)
    settings = load(SocketIoSettings)
    run("socketio", settings, lambda runtime: serve(runtime, settings))
