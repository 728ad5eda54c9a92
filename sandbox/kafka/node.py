"""A Kafka node as a child process: start, stop, kill, start again on the same data."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from sandbox.artifacts import Missing, ensure_kafka_jars, find_java
from sandbox.child import Child, listens, settle

CLUSTER_ID: Final = "Q2FyaWxsb25TYW5kYm94MQ"
"""Any base64 UUID; fixed, so that a folder can be formatted again without a question."""
LOG4J: Final = Path(__file__).parent / "log4j2.properties"
MAX_RECORD_BYTES: Final = 9 * 1_048_576
"""Above the largest topic's limit (`shared.topics.INTERNAL_MAX_BYTES`) by a batch's overhead."""


class Kafka:
    """One node. Data and settings live in `folder`; the jars come from `state` and are shared.

    `spawn` and `await ready()` inside a loop; `start()` does both outside of one. After `kill` or `stop`, the same
    again brings it back with its data. Back after a kill in some 4 s: the dead session must end first.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        controller_port: int,
        *,
        state: Path,
        log: Path | None = None,
        heap: str = "512m",
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        """Writes nothing yet. Both ports must be free. `log` None: `kafka.log` in the folder.

        `settings` win over those of `server_properties`; a listener on `port` that asks for nothing must stay.
        """
        self.folder = folder.resolve()
        self.port = port
        self.bootstrap = f"127.0.0.1:{port}"
        self._controller_port = controller_port
        self._state = state
        self._log = log or self.folder / "kafka.log"
        self._heap = heap
        self._settings = settings or {}
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The process. Gets the jars and formats the folder the first time (blocks some 2 s, or as long as Maven)."""
        if self._child is None:
            properties = self._prepare()
            java = [find_java(), f"-Xmx{self._heap}", "-Xms128m", "-XX:+ExitOnOutOfMemoryError"]
            argv = [*java, *self._class_path(), "kafka.Kafka", str(properties)]
            self._child = Child("kafka", argv, log=self._log)
        return self._child

    def spawn(self) -> None:
        """Start the process; does not wait until it answers. Raises `Missing` without Java or jars."""
        self.child.spawn()

    async def ready(self, timeout: float = 120) -> None:
        """Wait until the broker is in its own metadata, so that topics can be made. Raises `NotReady`."""
        await self.child.until(self._answers, timeout)

    def start(self, timeout: float = 120) -> None:
        """`spawn` and `ready`, for callers without a loop; blocks."""
        self.spawn()
        settle(self.ready(timeout))

    def stop(self, timeout: float = 20) -> None:
        """Controlled shutdown, SIGKILL after `timeout` seconds; blocks."""
        self.child.stop(timeout)

    def kill(self) -> None:
        """SIGKILL; blocks until it has ended."""
        self.child.kill()

    async def _answers(self) -> bool:
        if not await listens(self.port):
            return False  # asked by aiokafka, a closed port would be an error in the log at every poll
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()

    def _class_path(self) -> list[str]:
        jars = ensure_kafka_jars(self._state)
        return [f"-Dlog4j2.configurationFile={LOG4J}", "-cp", jars]

    def _prepare(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        lines = server_properties(self.folder / "data", self.port, self._controller_port) | dict(self._settings)
        properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(properties)
        return properties

    def _format(self, properties: Path) -> None:
        quick = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties), "--ignore-formatted"]
        argv = [find_java(), *quick, *self._class_path(), *tool]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise Missing(f"Kafka could not format {self.folder / 'data'}:\n{run.stdout}{run.stderr}")


def server_properties(data: Path, port: int, controller_port: int) -> dict[str, str | int]:
    """The settings of a node that is alone, small, quick to come back, and strict about topics."""
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        # Back 4 s after kill -9 instead of 12: the old session has to end before the new one may begin.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_RECORD_BYTES,
        "replica.fetch.max.bytes": MAX_RECORD_BYTES,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # Alone: everything internal has one copy and few partitions.
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Small: two cores, and a heap in which the cleaner's default buffer of 128 MiB would be a quarter.
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16 * 1_048_576,
    }
