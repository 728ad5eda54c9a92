"""A running gateway, and what stands around it in these tests: the in_app worker's writes, users' clients."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from sandbox.free_ports import free_ports
from services.gateway.app import serve
from services.gateway.settings import GatewaySettings
from shared.http.tokens import mint
from shared.kafka.producer import Publisher
from shared.model import ids, inbox
from shared.model.inbox import Change, InboxEvent, InboxItem
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.mongo import inbox_rows
from shared.mongo.database import Database, open_database
from shared.process.clock import now_ms
from shared.process.runtime import Runtime
from tests.support.env import TOKEN_SECRET, Names

API = "/api/v1/notifications"


def token(user: str, *, tenant: str = "default", ttl: int = 600) -> str:
    return mint(TOKEN_SECRET, tenant=tenant, user=user, now=int(time.time()), ttl_seconds=ttl)  # noqa: TID251  # a JWT's clock


def settings_of(names: Names, **others: object) -> GatewaySettings:
    gateway, sockets = free_ports(2)
    settings = GatewaySettings(
        kafka=names.brokers.kafka,
        mongo=names.brokers.mongo,
        topic_prefix=names.prefix,
        partitions=names.topics.partitions,
        mongo_database=names.database,
        gateway_port=gateway,
        socket_port=sockets,
        token_secret=TOKEN_SECRET,
        token_leeway_seconds=0,
        origins="http://good.example, https://also.example:8443",
        drain_seconds=5,
    )
    return settings.model_copy(update=others)


@dataclass(kw_only=True)
class InboxClient:
    """A front end: it keeps the cursor and what it was told."""

    socket: ClientConnection
    told: list[dict] = field(default_factory=list)

    async def next(self, kind: str | None = None) -> dict:
        """The next message, or the next of a kind; others are kept in `told`."""
        async with asyncio.timeout(20):
            while True:
                message = json.loads(await self.socket.recv())
                self.told.append(message)
                if kind in {None, message["type"]}:
                    return message

    async def say(self, **message) -> None:
        await self.socket.send(json.dumps(message))

    async def closed(self) -> int | None:
        """The code with which the server ended it."""
        async with asyncio.timeout(20):
            with suppress(Exception):
                while True:
                    self.told.append(json.loads(await self.socket.recv()))
            await self.socket.wait_closed()
        return self.socket.close_code

    @property
    def cursor(self) -> str | None:
        return next((told["cursor"] for told in reversed(self.told) if "cursor" in told), None)

    @property
    def offsets(self) -> list[int]:
        return [told["item"]["offset"] for told in self.told if told["type"] == "notification"]


@dataclass(kw_only=True)
class GatewayStage:
    """One stack with a gateway in this process."""

    settings: GatewaySettings
    database: Database
    publisher: Publisher
    runtime: Runtime
    http: aiohttp.ClientSession
    last: dict[str, int] = field(default_factory=dict)
    socketio_port: int = 0
    runtimes: list[Runtime] = field(default_factory=list)
    """Of what runs beside the gateway."""

    def stop(self) -> None:
        """Tells all processes to end."""
        for runtime in (self.runtime, *self.runtimes):
            runtime.stop.set()

    @property
    def topics(self) -> Topics:
        return self.settings.topics

    async def arrive(
        self, user: str, count: int = 1, *, tenant: str = "default", announce: bool = True, **fields
    ) -> list[InboxItem]:
        """What the in_app worker does: rows, then their announcement with the stored offsets."""
        place = f"{tenant}:{user}"
        first = self.last.get(place, -1) + 1
        self.last[place] = first + count - 1
        items = [
            InboxItem(
                id=ids.derive("test", place, offset),
                workflow=f"chat.{fields.get('type', 'new_message')}",
                type=fields.get("type", "new_message"),
                offset=offset,
                created_at=now_ms(),
                title=f"title {offset}",
                data=msgspec.Raw(fields.get("data", b'{"message_id":"m1","sender_username":"bob"}')),
            )
            for offset in range(first, first + count)
        ]
        rows = [inbox_rows.to_row(item, delivery=f"{place}:{item.offset}", tenant=tenant, user=user) for item in items]
        await self.database.inbox.insert_many(rows)
        if announce:
            await self.announce(user, items, tenant=tenant)
        return items

    async def announce(self, user: str, items: list[InboxItem], *, tenant: str = "default") -> None:
        key = ids.user_key(tenant, user)
        events = [InboxEvent(change=Change.CREATED, items=(item,), at=now_ms()) for item in items]
        await self.publisher.publish([Output(self.topics.inbox, key, inbox.encode(event), []) for event in events])

    @asynccontextmanager
    async def client(self, user: str, cursor: str | None = None, *, tenant: str = "default", ttl: int = 600):
        async with connect(self.socket_url) as opened:
            client = InboxClient(socket=opened)
            await client.say(type="auth", token=token(user, tenant=tenant, ttl=ttl), cursor=cursor)
            yield client

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.settings.socket_port}"

    async def call(self, method: str, path: str, user: str = "ann", *, tenant: str = "default", **options):
        """Status and decoded body."""
        headers = {"authorization": f"Bearer {token(user, tenant=tenant)}"} | options.pop("headers", {})
        async with self.http.request(method, self.rest_url + path, headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.gateway_port}{API}"


@asynccontextmanager
async def running(names: Names, **others: object):
    """A gateway in this process, with `others` of its settings; raises what it ended with."""
    settings = settings_of(names, **others)
    async with open_database(settings.mongo, settings.mongo_database) as database, aiohttp.ClientSession() as session:
        publisher = Publisher(settings.kafka, client_id="test")
        await publisher.start()
        runtime = Runtime(service="gateway")
        gateway = asyncio.create_task(serve(runtime, settings))
        try:
            await _until_serving(runtime, gateway, session, settings)
            yield GatewayStage(settings=settings, database=database, publisher=publisher, runtime=runtime, http=session)
        finally:
            runtime.stop.set()
            try:
                async with asyncio.timeout(30):
                    await gateway
            finally:
                await publisher.stop()


async def _until_serving(runtime, gateway, session, settings) -> None:
    async with asyncio.timeout(30):
        while True:
            if gateway.done():
                gateway.result()
            if runtime.started:
                with suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{settings.gateway_port}{API}/health") as answer:
                        if answer.status == 200:
                            return
            await asyncio.sleep(0.02)
