"""Each suite runs over the twin and over the real thing; `-m "not real"` leaves the second out and needs no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.free_ports import free_ports
from sandbox.process import Service
from services.gateway.inbox.store import InboxStore
from shared.model.inbox import InboxItem
from shared.model.users import User
from shared.mongo import inbox_rows
from shared.mongo.database import Database, open_database
from shared.mongo.pull_queue import PullRows
from shared.mongo.pull_senders import PullTaking
from tests.contract.pull_scene import Senders
from tests.contract.sinks import Sink
from tests.support.brokers import Brokers
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.support.twins.pull import MemoryPull, MemoryPullRow

BOTH = ["twin", pytest.param("real", marks=pytest.mark.real)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever asks for `implementation`, itself or through a fixture, runs over both."""
    if "implementation" in metafunc.fixturenames:
        metafunc.parametrize("implementation", BOTH)


@pytest.fixture
async def database(shared_brokers: Brokers) -> AsyncIterator[Database]:
    """An empty database of the test's own, without indexes: only ids have to be unique."""
    async with open_database(shared_brokers.mongo, f"t_{uuid4().hex[:10]}") as found:
        yield found
        await found.client.drop_database(found.name)


class MongoInbox(InboxStore):
    """With the insert that the in_app channel does."""

    def __init__(self, database) -> None:
        super().__init__(database)
        self._inbox = database.inbox

    async def insert(self, user: User, items: list[InboxItem]) -> None:
        rows = [
            inbox_rows.to_row(
                item,
                delivery=item.id if item.notification else f"{user.tenant}:{user.id}:{item.offset}",
                tenant=user.tenant,
                user=user.id,
                life=user.life,
            )
            for item in items
        ]
        await self._inbox.insert_many(rows)


@pytest.fixture
def inbox(implementation: str, request: pytest.FixtureRequest) -> MongoInbox | MemoryInboxStore:
    return MemoryInboxStore() if implementation == "twin" else MongoInbox(request.getfixturevalue("database"))


@pytest.fixture
def senders(implementation: str, request: pytest.FixtureRequest) -> Senders:
    if implementation == "twin":
        rows: dict[str, MemoryPullRow] = {}
        return Senders(MemoryPull(rows), lambda seconds=30: MemoryPull(rows, look_ms=seconds * 1000))
    database = request.getfixturevalue("database")
    return Senders(PullTaking(database), lambda seconds=30: PullRows(database, look=timedelta(seconds=seconds)))


@pytest.fixture(scope="session")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """One for all; whoever uses it forgets what was before."""
    http, smtp, health = free_ports(3)
    env = {"CARILLON_SINK_PORT": str(http), "CARILLON_SMTP_PORT": str(smtp)}
    service = Service("sink", env=env, health_port=health, log=Path(tmp_path_factory.mktemp("sink")) / "log")
    service.start()
    yield Sink(http=http, smtp=smtp)
    service.kill()
