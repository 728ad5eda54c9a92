"""Whole services on a Kafka that demands TLS and SASL: what goes through the router; what a wrong password does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from carillon.kafka_client import KafkaClient
from sandbox.process import ROOT
from shared.kafka.connection import Mechanism
from shared.process.settings import Settings
from tests.integration.router.stage import event, stage
from tests.support.brokers import Brokers
from tests.support.env import Names, lay
from tests.support.raw_batches import batch
from tests.support.strict_kafka import StrictKafka

SECONDS = 60


@pytest.fixture
async def strict_names(strict: StrictKafka, shared_brokers: Brokers) -> Names:
    return await lay(Brokers(kafka=strict.node.bootstrap, mongo=shared_brokers.mongo))


@pytest.mark.parametrize("mechanism", list(Mechanism))
async def test_a_chunk_goes_through_faust(
    strict: StrictKafka, strict_names: Names, mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in strict.variables(mechanism).items():
        monkeypatch.setenv(name, value)
    connection = Settings()
    assert connection.kafka_connection.mechanism is mechanism
    own = {name: value for name, value in connection.model_dump(exclude_defaults=True).items() if "kafka" in name}
    async with stage(strict_names, **own) as at:
        await at.write(batch(*[event(f"user-{number}") for number in range(20)]))
        await at.until_notified(*[f"user-{number}" for number in range(20)])
        await at.until_all_committed()


async def test_the_client_of_users_takes_arguments(strict: StrictKafka, strict_names: Names) -> None:
    arguments = strict.connection(Mechanism.SCRAM_SHA_512).client_arguments()
    servers = str(arguments.pop("bootstrap_servers"))
    async with stage(strict_names) as at:
        async with KafkaClient(servers, topic=strict_names.topics.events, **arguments) as events:
            await events.send("order.shipped", {"to": ["ana"]}, source="/shop")
        assert await at.until_notified("ana") == ["ana"]


@pytest.mark.parametrize("service", ["ingest", "router", "scheduler", "delivery", "gateway", "console"])
def test_with_a_wrong_password_a_service_ends_and_names_the_setting(
    strict: StrictKafka, strict_names: Names, service: str
) -> None:
    wrong = strict_names.env() | strict.variables() | {"CARILLON_KAFKA_PASSWORD": "wrong", "CARILLON_HOST": "127.0.0.1"}
    ports = {f"CARILLON_{name}_PORT": "0" for name in ("INGEST", "GATEWAY", "SOCKET", "CONSOLE")}
    run = subprocess.run(
        [sys.executable, "-m", "carillon", "run", service],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)} | wrong | ports,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "CARILLON_KAFKA_PASSWORD" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_the_command_line_goes_in_too(strict: StrictKafka, tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "CARILLON_TOPIC_PREFIX": f"cli-{tmp_path.name[:8].strip('_').replace('_', '-')}",
    }

    def carillon(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "carillon", *words]
        env = environment | strict.variables(Mechanism.SCRAM_SHA_256) | more
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert carillon("topics", "create").returncode == 0
    assert carillon("topics", "verify", "--wait", "30").returncode == 0
    locked_out = carillon("topics", "verify", CARILLON_KAFKA_PASSWORD="wrong")
    assert locked_out.returncode == 1
    assert "CARILLON_KAFKA_PASSWORD" in locked_out.stdout + locked_out.stderr
