"""Statuses are pushed after they are stored and before they are acknowledged; an outage only delays them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from services.console.timeline.consumer import StatusConsumer, status_rows
from services.console.timeline.status_push import StatusPush
from shared.model.errors import MongoUnavailable
from shared.model.records import decode_record
from shared.model.status_endpoints import StatusEndpoint
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.consumer import MemoryConsumer
from tests.support.twins.outages import Outages
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.status_rows import MemoryStatusRows
from tests.support.wait import turns_until
from tests.unit.console.test_consumer import TOPIC, Joining, running, sent


class Endpoints:
    """Who wants what."""

    def __init__(self, *found: StatusEndpoint) -> None:
        self.found = {"acme": list(found)} if found else {}
        self.outages = Outages(MongoUnavailable)
        self.reads: list[set[str]] = []

    async def of_all(self, tenants: Collection[str]) -> dict[str, list[StatusEndpoint]]:
        async with self.outages.call():
            self.reads.append(set(tenants))
            return {tenant: found for tenant, found in self.found.items() if tenant in tenants}


BILLING = StatusEndpoint(
    tenant="acme", id="billing", url="https://example.com/s", events=("carillon.delivery.*",), created_at=a.NOON
)


def pushed(log: MemoryPublisher) -> list[str]:
    found = [decode_record(output.value).about for output in log.written]
    return [one.id for one in found if one is not None]


async def test_a_status_is_pushed_before_it_is_acknowledged() -> None:
    rows, source, out = MemoryStatusRows(), MemoryConsumer(TOPIC, sent("a", 5), sent("b", 6)), MemoryPublisher()
    out.outages.add(2)
    async with running(StatusConsumer(rows, Joining(source), StatusPush(Endpoints(BILLING).of_all, out, Topics()))):
        await turns_until(lambda: len(rows.rows) == 2 and not out.outages.met, what="it is stored")
        assert source.committed == {}
        await turns_until(lambda: bool(source.committed), what="it commits")
    assert len(set(pushed(out))) == 2
    assert {output.topic for output in out.written} == {Topics().notifications}


async def test_a_status_that_is_met_again_is_the_same_push() -> None:
    rows, source, out = MemoryStatusRows(), MemoryConsumer(TOPIC, sent("a", 5), sent("a", 6)), MemoryPublisher()
    async with running(StatusConsumer(rows, Joining(source), StatusPush(Endpoints(BILLING).of_all, out, Topics()))):
        await turns_until(lambda: bool(source.committed), what="it commits")
    assert len(set(pushed(out))) == 1


async def test_where_nobody_asks_nothing_is_written_and_the_endpoints_are_looked_at_once() -> None:
    endpoints, out, row = Endpoints(), MemoryPublisher(), _row()
    push = StatusPush(endpoints.of_all, out, Topics())
    for _ in range(9):
        await push.push([row])
    assert (endpoints.reads, out.written) == ([{"acme"}], [])


async def test_a_tenants_endpoints_are_known_for_five_seconds_and_each_tenants_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoints, now = Endpoints(), [1000.0]
    monkeypatch.setattr("services.console.timeline.status_push.time.monotonic", lambda: now[0])
    push = StatusPush(endpoints.of_all, MemoryPublisher(), Topics())
    other = _row() | {"tenant": "other"}
    await push.push([_row(), other])
    now[0] += 4
    await push.push([other])
    now[0] += 2
    await push.push([other])
    assert endpoints.reads == [{"acme", "other"}, {"other"}]


async def test_while_the_endpoints_cannot_be_read_nothing_is_skipped() -> None:
    endpoints, out = Endpoints(BILLING), MemoryPublisher()
    endpoints.outages.add(2)
    async with asyncio.timeout(20):
        await StatusPush(endpoints.of_all, out, Topics()).push([_row()])
    assert len(out.written) == 1


def _row() -> Any:
    (row,) = status_rows([sent("a", 5)])
    return row
