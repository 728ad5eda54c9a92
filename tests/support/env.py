"""The product as a test meets it: real services as processes on real brokers, spoken to from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from sandbox.free_ports import free_ports
from sandbox.process import ROOT, Service
from sandbox.sink.accounts import callback_keys, provider_settings
from services.delivery.channels.registry import section_of
from shared.catalog.files import read_folder
from shared.catalog.publishing import publish
from shared.http import tokens
from shared.kafka.admin import ensure_topics
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.topics import Topics
from shared.mongo.api_keys import Scope, create
from shared.mongo.database import Database, open_database
from shared.mongo.migrations import migrate
from shared.process.clock import now_ms
from tests.support.brokers import Brokers

PARTITIONS = 3
RETRIES = "0.2,0.4,0.8,1.6,3,3,3,3,3,3"
TOKEN_SECRET = "t" * 40
WEBHOOK_SECRET = "w" * 40
CATALOG = Path(__file__).parents[2] / "catalog"
SERVICES = ("sink", "ingest", "router", "scheduler", "delivery", "gateway", "console")


@dataclass(frozen=True, kw_only=True)
class Names:
    """Where one test's data live."""

    brokers: Brokers
    prefix: str
    database: str

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix, PARTITIONS)

    def env(self) -> dict[str, str]:
        """The settings that all services of this test share."""
        return {
            "CARILLON_KAFKA": self.brokers.kafka,
            "CARILLON_MONGO": self.brokers.mongo,
            "CARILLON_TOPIC_PREFIX": self.prefix,
            "CARILLON_PARTITIONS": str(PARTITIONS),
            "CARILLON_MONGO_DATABASE": self.database,
            "CARILLON_TOKEN_SECRET": TOKEN_SECRET,
            "CARILLON_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "CARILLON_WEBHOOK_ALLOW": "127.0.0.0/8",
            "CARILLON_CHAT_ALLOW": "127.0.0.0/8",
            "CARILLON_RELEASE_SPREAD_SECONDS": "0",
            "CARILLON_SESSION_TIMEOUT_SECONDS": "3",
            "CARILLON_LEASE_SECONDS": "5",
            **provider_timeouts(),
            "CARILLON_SCHEDULER_LEASE_SECONDS": "2",
            "CARILLON_RETRY_SECONDS": RETRIES,
            "CARILLON_WEBHOOK_RETRY_SECONDS": RETRIES,
            "CARILLON_PROBE_SECONDS": "1",
        }


def provider_timeouts() -> dict[str, str]:
    """What fits into so short a lease, for each channel that has a time-out."""
    sections = [section for channel in Channel if (section := section_of(channel)) is not None]
    return {
        variable: "2.5"
        for section in sections
        for variable, field in section.variables().items()
        if field.endswith("timeout_seconds")
    }


async def lay(brokers: Brokers, catalog: Path = CATALOG) -> Names:
    """Topics, indexes and the catalog under fresh names."""
    mark = uuid4().hex[:10]
    names = Names(brokers=brokers, prefix=f"t-{mark}", database=f"t_{mark}")
    await ensure_topics(brokers.kafka, names.topics.table())
    await migrate(brokers.mongo, names.database)
    publisher = Publisher(brokers.kafka, client_id="tests")
    async with open_database(brokers.mongo, names.database) as database:
        await publish(database, publisher, names.topics, "default", read_folder(catalog))
    await publisher.stop()
    return names


class Harness:
    """Starts services, and speaks to them from outside."""

    def __init__(self, names: Names, folder: Path, root: Path = ROOT) -> None:
        self.names = names
        self.folder = folder
        self.root = root
        ports = free_ports(6 + 2 * len(SERVICES))
        self.ports = dict(zip(("ingest", "gateway", "sockets", "console", "sink", "smtp"), ports, strict=False))
        self._health = ports[6:]
        self.services: dict[str, Service] = {}
        self.scopes = frozenset(Scope)
        self.more: dict[str, str] = {}
        """Settings of every service, however often it is started, in place of the usual ones."""
        self._key = ""

    def env(self) -> dict[str, str]:
        """Settings of every service, ports included."""
        return self.names.env() | {
            "CARILLON_INGEST_PORT": str(self.ports["ingest"]),
            "CARILLON_GATEWAY_PORT": str(self.ports["gateway"]),
            "CARILLON_SOCKET_PORT": str(self.ports["sockets"]),
            "CARILLON_CONSOLE_PORT": str(self.ports["console"]),
            "CARILLON_SINK_PORT": str(self.ports["sink"]),
            "CARILLON_SMTP_PORT": str(self.ports["smtp"]),
            "CARILLON_CALLBACK_URL": f"http://127.0.0.1:{self.ports['ingest']}",
            "CARILLON_CALLBACK_SECRET": "secret-of-the-callbacks-of-tests",
            **provider_settings(f"http://127.0.0.1:{self.ports['sink']}"),
            **self.more,
            **callback_keys(),
        }

    def url(self, service: str) -> str:
        """Where a service's API is."""
        return f"http://127.0.0.1:{self.ports[service]}"

    async def start(self, *names: str, **extra: str) -> None:
        """Starts services (all without names) and waits until they are ready; `extra` adds settings."""
        for name in names or SERVICES:
            self.spawn(name, **extra)
        await self.start_spawned(*(names or SERVICES))

    async def start_spawned(self, *labels: str) -> None:
        """Waits until these (all without labels) are ready."""
        await asyncio.gather(*(self.services[label].ready(90) for label in labels or self.services))

    def spawn(self, name: str, label: str | None = None, **extra: str) -> Service:
        """Starts a service without waiting; a `label` tells two of the same kind apart."""
        label = label or name
        known = self.services.get(label)
        port = known.health_port if known else self._health.pop()
        service = Service(
            name, env=self.env() | extra, health_port=port, log=self.folder / f"{label}.log", root=self.root
        )
        self.services[label] = service
        service.spawn()
        return service

    async def revive(self, *names: str) -> None:
        """Starts those that have ended again, as a supervisor would, without failpoints."""
        for name in names or tuple(self.services):
            if self.services[name].pid is None:
                self.spawn(name)

    def log(self, name: str) -> str:
        """What a service has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    async def api_key(self) -> str:
        """A key with all scopes."""
        if not self._key:
            async with open_database(self.names.brokers.mongo, self.names.database) as database:
                self._key = await create(database, tenant="default", scopes=self.scopes, name="tests")
        return self._key

    @asynccontextmanager
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        """An HTTP client whose default credential is a key with all scopes."""
        headers = {"authorization": f"Bearer {await self.api_key()}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            yield http

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The test's database."""
        async with open_database(self.names.brokers.mongo, self.names.database, timeout_ms=20_000) as database:
            yield database

    def token(self, user: str, tenant: str = "default", ttl: int = 3600) -> str:
        """A user's JWT."""
        return tokens.mint(TOKEN_SECRET, tenant=tenant, user=user, now=now_ms() // 1000, ttl_seconds=ttl)

    async def call(
        self, method: str, path: str, *, service: str = "ingest", expect: int | None = None, **more: Any
    ) -> Any:
        """One API call; returns the decoded body, and fails unless the status is `expect` (or 2xx)."""
        async with self.client() as http, http.request(method, self.url(service) + path, **more) as response:
            body = await response.json(content_type=None)
            ok = response.status == expect if expect else 200 <= response.status < 300
            assert ok, f"{method} {path}: {response.status} {body}"
            return body

    def kill(self) -> None:
        """Ends every service of this test."""
        for service in self.services.values():
            service.kill()


@asynccontextmanager
async def running(brokers: Brokers, folder: Path) -> AsyncIterator[Harness]:
    """A whole product on brokers of one's own."""
    made = Harness(await lay(brokers), folder)
    try:
        yield made
    finally:
        made.kill()
