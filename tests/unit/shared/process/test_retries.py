"""What waits is said, with its name and the next step; not more often than somebody reads; and that it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import stamina
import stamina.instrumentation
import structlog

from shared.model.errors import KafkaUnavailable, MongoUnavailable, SchemaOutdated, Unavailable
from shared.process import retries
from shared.process.retries import retry_until_available
from tests.support.twins.outages import Outages
from tests.support.wait import turns_until

Lines = list[MutableMapping[str, Any]]


class Rows:
    def __init__(self, error: type[Unavailable]) -> None:
        self.outages = Outages(error)

    async def read(self, number: int) -> int:
        async with self.outages.call():
            return number


@pytest.fixture
def lines() -> Iterator[Lines]:
    hooks = stamina.instrumentation.get_on_retry_hooks()
    retries.log_what_waits()
    with structlog.testing.capture_logs() as found:
        yield found
    stamina.instrumentation.set_on_retry_hooks(hooks)
    retries._waiting.logs = False


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (MongoUnavailable, "check CARILLON_MONGO"),
        (KafkaUnavailable, "check CARILLON_KAFKA"),
        (SchemaOutdated, "run: carillon migrate"),
    ],
)
async def test_it_says_once_what_waits_and_that_it_goes_on(lines: Lines, error: type[Unavailable], step: str) -> None:
    rows = Rows(error)
    rows.outages.add(3)
    assert await retry_until_available(partial(rows.read, 5)) == 5
    assert [line["event"] for line in lines] == ["waiting", "resumed"]
    assert lines[0]["call"] == lines[1]["call"] == "Rows.read"
    assert step in str(lines[0]["next"])


async def test_what_waits_long_is_said_again(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "AGAIN_SECONDS", 0.0)
    rows = Rows(MongoUnavailable)
    rows.outages.add(3)
    await retry_until_available(rows.read, 5)
    assert [line["event"] for line in lines] == ["waiting"] * 3 + ["resumed"]


async def test_what_did_not_wait_says_nothing(lines: Lines) -> None:
    await retry_until_available(Rows(MongoUnavailable).read, 5)
    assert lines == []


async def test_other_errors_pass(lines: Lines) -> None:
    async def broken() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await retry_until_available(broken)
    assert lines == []


async def test_who_is_cancelled_while_waiting_waits_no_more() -> None:
    """Else a router would be taken to wait for MongoDB for ever, and never to stand."""
    rows = Rows(MongoUnavailable)
    rows.outages.add(1_000)
    waiting = asyncio.create_task(retry_until_available(rows.read, 5))
    await turns_until(retries.waits_for_infrastructure, what="the first failure")
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    assert not retries.waits_for_infrastructure()
