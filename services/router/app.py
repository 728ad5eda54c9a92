"""The router: one Faust app, three agents. Wiring only; the rules are in `core/`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, cast

import faust
from faust.contrib.asgi import faust_app_running
from yarl import URL

from services.router.agents import add_agent
from services.router.core.received_event import EventTenants
from services.router.core.weights import weigh
from services.router.decide import Decider
from services.router.decisions import Decisions
from services.router.expand import Expander
from services.router.expansions import Expansions
from services.router.fanout_parts import PAGES_AT_ONCE, FanoutParts
from services.router.faust.credentials import credentials
from services.router.faust.queues import App
from services.router.faust.streams import ChunkStream
from services.router.faust.transport import Consumer, Transport
from services.router.inputs import Inputs
from services.router.profile_cache import ProfileCache
from services.router.progress import RouterProgress
from services.router.settings import RouterSettings
from services.router.stops import StoppedHolds
from services.router.tenant_cache import TenantCache
from shared.catalog.cache import Catalog
from shared.kafka.asking import never_create_topics
from shared.kafka.consumer import METADATA_MS, NEVER_MS
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.model.topics import INTERNAL_MAX_BYTES
from shared.mongo.address_owners import AddressOwners
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database, open_database, ping
from shared.mongo.histories import Histories
from shared.mongo.holds import Holds
from shared.mongo.inbox_writing import InboxRows
from shared.mongo.ledger import Ledger
from shared.mongo.outcomes import Outcomes
from shared.mongo.presence import Presence
from shared.mongo.profiles import Lives, read_many
from shared.mongo.schema import await_schema
from shared.mongo.server_clock import keep_clock, set_clock
from shared.mongo.subscriptions import Subscriptions
from shared.mongo.suppressions import Suppressions
from shared.mongo.tenants import read_many as read_tenants
from shared.process.background import run_until_stopped
from shared.process.metrics import ASSIGNMENTS
from shared.process.newer import NewerRecords
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

POLL_RECORDS: Final = 2_000
"""Taken from the client at once; each may have as many headers as a record may."""
EXPAND_BYTES: Final = 524_288
"""Of values in a chunk of events: each byte goes to up to 100 recipients."""
DECIDE_BYTES: Final = 4 * 1_048_576
"""Of values in a chunk to decide, and of the digests that they bring: each byte goes to every channel."""

TENANT_TTL_MS: Final = 60_000
"""Nobody is told of settings whose announcement was lost with its process: this heals it."""


def create_app(settings: RouterSettings) -> faust.App:
    """Faust as `docs/decisions/0002-faust.md` says: at least once, no tables, no web, raw bytes."""
    never_create_topics()
    broker = ";".join(f"kafka://{host}" for host in settings.kafka.split(","))
    app = App(
        settings.topics.group("router"),
        broker=broker,
        broker_credentials=credentials(settings.kafka_connection),
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=INTERNAL_MAX_BYTES,
        consumer_metadata_max_age_ms=METADATA_MS,
        consumer_group_instance_id=settings.router_instance,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 5,
        broker_commit_interval=0.5,
        broker_commit_every=10_000,
        broker_max_poll_interval=NEVER_MS / 1000,
        broker_max_poll_records=POLL_RECORDS,
        stream_buffer_maxsize=65_536,
        stream_wait_empty=True,
        datadir=Path(tempfile.gettempdir()) / "carillon-router",  # Faust makes it; without tables it stays empty
        Stream=ChunkStream,
    )
    hosts = [URL(part) for part in broker.split(";")]
    app.transport = Transport(hosts, app, linger_seconds=settings.linger_ms / 1000)
    return app


@asynccontextmanager
async def running(
    settings: RouterSettings,
    database: Database,
    catalog: Catalog,
    newer: NewerRecords | None = None,
    progress: RouterProgress | None = None,
) -> AsyncIterator[faust.App]:
    """The whole router over a loaded catalog, started and assigned; stopped at the end.

    `newer` gets what it leaves, `progress` how far it is.
    """
    newer = newer or NewerRecords()
    progress = progress or RouterProgress(newer, stall_seconds=settings.stall_seconds)
    topics = settings.topics
    suppressions = Suppressions(database)
    profiles = ProfileCache(
        partial(read_many, database),
        suppressions=suppressions,
        size=settings.profile_cache_size,
        ttl_ms=round(settings.profile_ttl_seconds * 1000),
    )
    tenants = TenantCache(
        partial(read_tenants, database), ttl_ms=min(TENANT_TTL_MS, round(settings.profile_ttl_seconds * 1000))
    )
    holds = Holds(database)
    # One publisher each: the agents' chunks overlap in time, the calls of one publisher must not.
    for_expand = Publisher(settings.kafka_connection, client_id="carillon-router-expand", instead=bury(topics))
    for_decide = Publisher(settings.kafka_connection, client_id="carillon-router-decide", instead=bury(topics))
    decides = progress.agent("decide", (topics.notifications,))
    fanout = FanoutParts(settings, database, lambda: decides.held)
    expander = Expander(
        expansions=Expansions(database),
        fanouts=fanout.fanouts,
        publisher=for_expand,
        catalog=catalog,
        topics=topics,
        tenants=EventTenants(
            internal=topics.accepted_events, public=settings.kafka_tenant, trusted=settings.trust_kafka_tenant
        ),
    )
    decider = Decider(
        inputs=Inputs(
            catalog=catalog,
            profiles=profiles,
            tenants=tenants,
            owners=AddressOwners(database),
            cancellations=Cancellations(database),
            subscriptions=Subscriptions(database),
            suppressions=suppressions,
            spread_ms=round(settings.release_spread_seconds * 1000),
        ),
        decisions=Decisions(database),
        holds=holds,
        ledger=Ledger(database),
        lives=Lives(database),
        stopped=StoppedHolds(holds=holds, tenants=tenants, topics=topics),
        inboxes=InboxRows(database),
        history=Histories(database, outcomes=Outcomes(database).outcomes, online=Presence(database).online),
        publisher=for_decide,
        topics=topics,
    )
    app = create_app(settings)
    expands = progress.agent("expand", (topics.events, topics.accepted_events))
    pages = progress.agent("fanout", (topics.fanouts,))
    add_agent(app, expands, settings, expander, chunk_bytes=EXPAND_BYTES, newer=newer)
    add_agent(app, decides, settings, decider, chunk_bytes=DECIDE_BYTES, weigh=weigh, newer=newer)
    add_agent(app, pages, settings, fanout.work, chunk_bytes=DECIDE_BYTES, newer=newer, chunk_size=PAGES_AT_ONCE)

    @app.on_partitions_assigned.connect
    async def assigned(*_: object, **__: object) -> None:
        profiles.clear()  # whoever had a partition meanwhile was told of changes; Faust calls none of them new
        tenants.clear()
        decider.assigned()
        ASSIGNMENTS.inc()

    try:
        await retry_until_available(for_expand.start)
        await retry_until_available(for_decide.start)
        await fanout.start()
        async with faust_app_running(app, stop_timeout=settings.drain_seconds):
            yield app
    finally:
        await for_expand.stop()
        await for_decide.stop()
        await fanout.stop()


async def serve(runtime: Runtime, settings: RouterSettings) -> None:
    """Runs until told to stop. Raises what crashed the app: the process ends and is started again."""
    async with open_database(settings.mongo, settings.mongo_database) as database:
        readiness = KafkaReadiness(
            settings.kafka_connection, settings.topics.used_by("router"), strict=settings.topics_strict
        )
        runtime.checks |= {
            "mongodb": lambda: ping(database),
            "kafka": readiness.answer,
            "topics": readiness.topics_answer,
        }
        await readiness.wait()
        await await_schema(database, runtime.checks)
        catalog = Catalog(database)
        await retry_until_available(set_clock, database)
        await retry_until_available(catalog.load)
        # Followed from before the first chunk: an event must not be expanded with the workflows of before the start.
        following = catalog.follow(settings.kafka_connection, settings.topics, "carillon-router-catalog")
        routing = _route(runtime, settings, database, catalog)
        await run_until_stopped(runtime.stop, routing, [following, keep_clock(database)])


async def _route(runtime: Runtime, settings: RouterSettings, database: Database, catalog: Catalog) -> None:
    """The agents, until told to stop; what they have in flight is finished. Raises RuntimeError when they crashed."""
    newer = NewerRecords()
    progress = RouterProgress(newer, stall_seconds=settings.stall_seconds)
    runtime.checks["formats"] = newer.check
    async with running(settings, database, catalog, newer, progress) as app:

        async def is_assigned() -> bool:
            return bool(app.consumer.assignment()) and not app.rebalancing

        runtime.checks |= {"assignment": is_assigned, "progress": progress.answer}
        runtime.reports["agents"] = progress.report
        runtime.serves()
        watching = asyncio.create_task(progress.watch(cast("Consumer", app.consumer).unread))
        tasks = {watching, asyncio.create_task(runtime.stop.wait()), asyncio.create_task(app.wait_until_stopped())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if app.crashed:
            raise RuntimeError("the router crashed") from app.crash_reason
        if watching.done():
            await watching


def main() -> None:
    """The process `carillon run router`."""
    settings = load(RouterSettings)
    run("router", settings, lambda runtime: serve(runtime, settings))
