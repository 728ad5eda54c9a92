"""Every service says what it waits for, and what to do; and what it serves, once it does."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from sandbox.free_ports import free_ports
from sandbox.process import ROOT
from tests.support.brokers import Brokers
from tests.support.env import Names

SERVICES = ("ingest", "router", "scheduler", "delivery", "gateway", "console")
LONG = 60
Line = dict[str, object]


@asynccontextmanager
async def running(service: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service as a process, which ends with the block."""
    names = ("INGEST", "GATEWAY", "SOCKET", "CONSOLE")
    ports = {f"CARILLON_{name}_PORT": str(port) for name, port in zip(names, free_ports(4), strict=True)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "carillon", "run", service,
        cwd=ROOT, env=os.environ | ports | env, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def line_of(process: asyncio.subprocess.Process, event: str, **fields: object) -> Line:
    """Its first line of this event with these fields."""
    assert process.stdout is not None
    async with asyncio.timeout(LONG):
        while raw := await process.stdout.readline():
            line: Line = orjson.loads(raw)
            if line["event"] == event and line.items() >= fields.items():
                return line
    raise AssertionError(f"it ended before it said {event}")


async def waits(service: str, event: str = "waiting", **env: str) -> Line:
    async with running(service, **env) as process:
        return await line_of(process, event)


async def test_without_mongodb_each_says_so(names: Names) -> None:
    env = names.env() | {"CARILLON_MONGO": f"mongodb://127.0.0.1:{free_ports(1)[0]}/?replicaSet=rs0"}
    lines = await asyncio.gather(*(waits(service, **env) for service in SERVICES))
    assert [(line["service"], line["call"]) for line in lines] == [(service, "check_schema") for service in SERVICES]
    assert all("CARILLON_MONGO" in str(line["next"]) for line in lines)


async def test_without_kafka_each_says_so(names: Names) -> None:
    env = names.env() | {"CARILLON_KAFKA": f"127.0.0.1:{free_ports(1)[0]}"}
    lines = await asyncio.gather(*(waits(service, "kafka_unavailable", **env) for service in SERVICES))
    assert [line["service"] for line in lines] == list(SERVICES)
    assert all("CARILLON_KAFKA" in str(line) and line["next"] for line in lines), lines


async def test_on_a_database_that_was_not_migrated_each_waits_and_says_how(
    shared_brokers: Brokers, names: Names
) -> None:
    env = names.env() | {"CARILLON_MONGO_DATABASE": f"{names.database}_new"}
    lines = await asyncio.gather(*(waits(service, **env) for service in SERVICES))
    assert [line["service"] for line in lines] == list(SERVICES)
    assert all("carillon migrate" in str(line["next"]) and "no schema" in str(line["error"]) for line in lines), lines


@pytest.mark.parametrize(
    ("service", "addresses"),
    [("ingest", ["http"]), ("gateway", ["sockets", "http"]), ("console", ["http"]), ("scheduler", []), ("router", [])],
)
async def test_one_that_serves_says_where_and_when_it_is_ready(
    names: Names, service: str, addresses: list[str]
) -> None:
    async with running(service, **names.env()) as process:
        for address in addresses:
            line = await line_of(process, "serving")
            assert str(line[address]).startswith(("http://127.0.0.1:", "ws://127.0.0.1:"))
        assert (await line_of(process, "ready"))["service"] == service
