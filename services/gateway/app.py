"""The gateway: the users' edge. Wiring only."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from fastapi import FastAPI

from services.gateway.auth import request_identity
from services.gateway.health_api import health_routes
from services.gateway.inbox.api import inbox_routes
from services.gateway.inbox.changes import Changes
from services.gateway.inbox.store import InboxStore
from services.gateway.live.connection import Services
from services.gateway.live.fanout import Fanout
from services.gateway.live.registry import Member, Registry
from services.gateway.live.server import Sockets
from services.gateway.preferences.api import preferences_routes
from services.gateway.settings import GatewaySettings
from shared.catalog.cache import Catalog
from shared.http import problems, server
from shared.kafka.group_commit import GroupPublisher
from shared.mongo.database import open_database, ping
from shared.mongo.epoch import epoch
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

CLIENT_ID = "carillon-gateway"
SEND_SECONDS = 2.0
LOADS_AT_ONCE = 64


async def serve(runtime: Runtime, settings: GatewaySettings) -> None:
    """Sockets and HTTP until told to stop; the log is followed before the first socket is accepted."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo, settings.mongo_database))
        runtime.checks["mongodb"] = lambda: ping(database)
        publisher = GroupPublisher(settings.kafka, client_id=CLIENT_ID, deadline_seconds=SEND_SECONDS)
        await publisher.start()
        stack.push_async_callback(publisher.stop)

        catalog = Catalog(database)
        await retry_until_available()(catalog.load)
        store = InboxStore(database)
        changes = Changes(store, publisher, settings.topics)
        services = Services(
            secret=settings.token_secret.get_secret_value(),
            epoch=await retry_until_available()(epoch, database),
            registry=Registry(),
            store=store,
            changes=changes,
            catalog=catalog,
            loads=asyncio.Semaphore(LOADS_AT_ONCE),
        )
        sockets = Sockets(services)
        fanout = Fanout(settings.kafka, settings.topics.inbox, services.registry, flush=sockets.flush, drop=_drop)
        await retry_until_available()(fanout.start)
        stack.push_async_callback(fanout.stop)

        async def log_answers() -> bool:
            return publisher.alive and await fanout.check()

        runtime.checks["kafka"] = log_answers

        identify = request_identity(services.secret)
        api = FastAPI(title="Carillon inbox", version="1")
        problems.install_problems(api, repeat_status_as="status_code")
        # The fixed paths first: routes are matched in order, and `/{notification_id}` would take them.
        api.include_router(health_routes(runtime))
        api.include_router(preferences_routes(database, publisher, settings.topics, catalog, identify))
        api.include_router(inbox_routes(store, changes, catalog, identify))

        await sockets.start(settings.host, settings.socket_port, settings.origins.split(","))
        runtime.started = True
        following = asyncio.create_task(catalog.follow(settings.kafka, settings.topics, CLIENT_ID))
        spreading = asyncio.create_task(fanout.run())
        answering = asyncio.create_task(
            server.serve(
                api,
                runtime,
                host=settings.host,
                port=settings.gateway_port,
                drain_seconds=settings.drain_seconds,
            )
        )
        stopping = asyncio.create_task(runtime.stop.wait())
        tasks = {following, spreading, answering}
        try:
            await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            runtime.stop.set()  # one part that ends takes the others with it
            await stopping
            await sockets.stop()
            following.cancel()
            spreading.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result


def _drop(member: Member) -> None:
    member.handle.drop_slow()


def main() -> None:
    """The process `carillon run gateway`."""
    settings = load(GatewaySettings)
    run("gateway", settings, lambda runtime: serve(runtime, settings))
