"""Durable or refused: on the log, else in the outbox, else 503; both are group commits over memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.ingest.acceptance import ANSWER_SECONDS, Acceptance, Intake
from services.ingest.core.durability import Durability
from shared.http.problems import Problem
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.process.metrics import ACCEPTED
from tests.support.twins.outbox import MemoryOutbox
from tests.support.twins.sink import MemorySink
from tests.unit.ingest.scenes import LONG, caller, committing, outputs


def accepted(durability: Durability) -> float:
    return ACCEPTED.labels(Intake.EVENT, durability)._value.get()


@pytest.fixture
def log() -> MemorySink:
    return MemorySink()


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
async def acceptance(log: MemorySink, outbox: MemoryOutbox) -> AsyncIterator[Acceptance]:
    async with committing(log, KafkaUnavailable) as first, committing(outbox, MongoUnavailable) as second:
        yield Acceptance(log=first, outbox=second, outbox_seconds=LONG)
        log.broken = None


async def test_what_kafka_acknowledged_is_on_the_log(
    acceptance: Acceptance, log: MemorySink, outbox: MemoryOutbox
) -> None:
    before = accepted(Durability.LOG)
    given = outputs(b"1", b"2")
    assert await acceptance.accept(caller(), Intake.EVENT, given, 2) is Durability.LOG
    assert (log.groups, outbox.rows) == ([[b"1", b"2"]], [])
    assert accepted(Durability.LOG) == before + 2


async def test_what_kafka_did_not_acknowledge_is_in_the_outbox_as_it_was(
    acceptance: Acceptance, log: MemorySink, outbox: MemoryOutbox
) -> None:
    before = accepted(Durability.OUTBOX)
    log.broken = KafkaUnavailable("no broker")
    given = outputs(b"1", b"2")
    assert await acceptance.accept(caller(), Intake.EVENT, given, 2) is Durability.OUTBOX
    assert [row.output for row in outbox.rows] == given
    assert accepted(Durability.OUTBOX) == before + 2


async def test_with_neither_it_is_refused_and_not_counted(
    acceptance: Acceptance, log: MemorySink, outbox: MemoryOutbox
) -> None:
    before = [accepted(durability) for durability in Durability]
    log.broken = KafkaUnavailable("no broker")
    outbox.outages.add()
    with pytest.raises(Problem) as refused:
        await acceptance.accept(caller(), Intake.EVENT, outputs(b"1"), 1)
    assert (refused.value.status, refused.value.code) == (503, "temporarily_unavailable")
    assert refused.value.headers["Retry-After"]
    assert [accepted(durability) for durability in Durability] == before


async def test_a_record_that_is_too_large_is_its_senders_fault(acceptance: Acceptance, outbox: MemoryOutbox) -> None:
    with pytest.raises(Problem) as refused:
        await acceptance.accept(caller(), Intake.EVENT, outputs(b"x" * 1001), 1)
    assert (refused.value.status, refused.value.code) == (413, "record_too_large")
    assert outbox.rows == [], "the relay could not write it either"


async def test_a_caller_who_has_no_time_left_is_not_put_into_the_outbox(
    acceptance: Acceptance, log: MemorySink, outbox: MemoryOutbox
) -> None:
    """An answer after its 2 s would be none: what the outbox may take is counted from the call's receipt."""
    log.broken = KafkaUnavailable("no broker")
    with pytest.raises(Problem) as refused:
        await acceptance.accept(caller(since=ANSWER_SECONDS), Intake.EVENT, outputs(b"1"), 1)
    assert refused.value.status == 503
    assert outbox.rows == []
