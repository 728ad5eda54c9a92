"""The stage of a benchmark: a Kafka and a mongod of its own, fresh names for each run, services as processes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient

from bench.machine import ROOT
from sandbox.child import Child, settle
from sandbox.free_ports import free_ports
from sandbox.kafka import Kafka
from sandbox.mongod import Mongod
from sandbox.process import Service
from shared.catalog.publishing import publish
from shared.kafka.admin import ensure_topics
from shared.kafka.producer import Publisher
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.database import open_database
from shared.mongo.migrations import migrate

STATE = Path(os.environ.get("CARILLON_STATE", ".carillon"))
TENANT = "default"
TOKEN_SECRET = "t" * 40
CACHE_GB = 4
"""mongod's cache: a third of what it takes of this machine by itself. In the half that the sandbox gives it, a minute of
1,000 notifications/s does not fit, and it writes pages out and reads them again all the time: of all sides."""
PLAIN_KEY = "ck_plain"
"""What the plain peer of ingest takes, and the floor does not ask for."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """Where one run's data live."""

    kafka: str
    mongo: str
    prefix: str
    folder: Path

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix)

    def env(self) -> dict[str, str]:
        """Settings of the services and the peers of a run: the defaults, but for the names."""
        return {
            "CARILLON_KAFKA": self.kafka,
            "CARILLON_MONGO": self.mongo,
            "CARILLON_TOPIC_PREFIX": self.prefix,
            "CARILLON_MONGO_DATABASE": self.prefix,
            "CARILLON_TOKEN_SECRET": TOKEN_SECRET,
            "CARILLON_WEBHOOK_SECRET": "w" * 40,
            "CARILLON_LOG_LEVEL": "warning",
            "PYTHONPATH": str(ROOT),
        }


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Running brokers."""

    kafka: Kafka
    mongod: Mongod
    folder: Path

    async def lay(self, *workflows: Workflow) -> Names:
        """Topics, indexes and workflows (version 1 of each) under fresh names."""
        mark = f"bench-{uuid4().hex[:8]}"
        names = Names(kafka=self.kafka.bootstrap, mongo=self.mongod.uri, prefix=mark, folder=self.folder)
        await ensure_topics(names.kafka, names.topics.table())
        await migrate(names.mongo, mark)
        publisher = Publisher(names.kafka, client_id="bench")
        async with open_database(names.mongo, mark) as database:
            await publish(database, publisher, names.topics, TENANT, workflows)
        await publisher.stop()
        return names

    async def clear(self, names: Names) -> None:
        """Removes what a run left, so that the next one finds the machine as this one did."""
        admin = AIOKafkaAdminClient(bootstrap_servers=names.kafka)
        await admin.start()
        await admin.delete_topics([topic.name for topic in names.topics.table()])
        await admin.close()
        async with open_database(names.mongo, names.prefix, timeout_ms=30_000) as database:
            await database.client.drop_database(names.prefix)

    def service(self, names: Names, name: str, *, root: Path = ROOT, **settings: str) -> Service:
        """A service of the product, of the source tree `root`, on a health port of its own; not started yet."""
        env = names.env() | {"PYTHONPATH": str(root)} | settings
        log = self.folder / f"{names.prefix}-{name}.log"
        return Service(name, env=env, health_port=free_ports(1)[0], log=log, root=root)

    def program(self, names: Names, module: str, *arguments: str, **settings: str) -> Child:
        """`python -m module` with the run's settings, in the stage's folder; not started yet."""
        env = {**os.environ, **names.env(), **settings}
        log = self.folder / f"{names.prefix}-{module.rpartition('.')[2]}.log"
        return Child(module, [sys.executable, "-m", module, *arguments], log=log, env=env, cwd=self.folder)

    def profiled(self, names: Names, name: str, target: Path, settings: Mapping[str, str]) -> tuple[Child, int]:
        """A service under cProfile and its health port; the profile is written when it is stopped."""
        port = free_ports(1)[0]
        extra = {**settings, "CARILLON_HEALTH_PORT": str(port)}
        return self.program(names, "bench.profiled", name, str(target.resolve()), **extra), port


@contextmanager
def stage() -> Iterator[Stage]:
    """Brokers on folders that are gone afterwards; kept, and named, when the benchmark failed."""
    folder = Path(mkdtemp(prefix="carillon-bench-"))
    kafka_port, controller_port, mongo_port = free_ports(3)
    kafka = Kafka(folder / "kafka", kafka_port, controller_port, state=STATE)
    mongod = Mongod(folder / "mongod", mongo_port, cache_gb=CACHE_GB)
    try:
        kafka.spawn()
        mongod.spawn()
        settle(mongod.ready())
        settle(kafka.ready())
        yield Stage(kafka=kafka, mongod=mongod, folder=folder)
    except BaseException:
        print(f"The logs are in {folder}", file=sys.stderr)
        raise
    else:
        _end(kafka, mongod)
        shutil.rmtree(folder)
    finally:
        _end(kafka, mongod)


def _end(kafka: Kafka, mongod: Mongod) -> None:
    """Ends both; before the folder goes, or they write it anew."""
    kafka.kill()
    mongod.kill()
