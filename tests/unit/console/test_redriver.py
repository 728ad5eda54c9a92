"""The redriver over twins: whatever fails, and wherever it is killed, each letter's record is the same one."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import msgspec
import pytest

from services.console.letters.core.jobs import JobCounts, JobState, RedriveJob
from services.console.letters.core.letter_filter import LetterFilter
from services.console.letters.core.redriving import FORCED_MS, Obstacle, obstacle, redrive_of, redrive_output
from services.console.letters.redriver import Redriver
from shared.model.audit import AuditAction
from shared.model.dead_letters import DeadLetterState
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.records import Kind, Record, decode_record
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.letters import TOPICS, dead_letter_row
from tests.support.twins.dead_letters import MemoryAudit, MemoryDeadLetters, MemoryJobs
from tests.support.twins.publisher import MemoryPublisher

SECRET = b'{"order":"secret"}'
LATER = 4_000_000_000_000
"""When what is not to expire does."""


class Scene:
    def __init__(self, *numbers: int, **changes: Any) -> None:
        self.letters, self.jobs, self.audit = MemoryDeadLetters(), MemoryJobs(), MemoryAudit()
        self.publisher = MemoryPublisher()
        self.leads = True
        known = {"notification": a.notification(expires_at=LATER)}
        for number in numbers:
            row = dead_letter_row(number, at=a.NOON + number, **(known | changes))
            self.letters.rows[row["_id"]] = row

    def redriver(self) -> Redriver:
        async def leads() -> bool:
            return self.leads

        return Redriver(
            letters=self.letters, jobs=self.jobs, audit=self.audit, publisher=self.publisher, topics=TOPICS, leads=leads
        )

    async def begin(self, **more: Any) -> None:
        rows = list(self.letters.rows.values())
        await self.letters.begin({
            row["_id"]: redrive_of(row, **{"by": "key", "at": a.NOON, "forced": False, **more}) for row in rows
        })  # fmt: skip

    async def job(self, **changes: Any) -> None:
        known: dict[str, Any] = {
            "id": "j", "tenant": "acme", "by": "key", "filter": LetterFilter(), "forced": False, "per_second": 1000,
            "state": JobState.RUNNING, "wanted": len(self.letters.rows), "started_at": now_ms(),
        }  # fmt: skip
        await self.jobs.insert(RedriveJob(**(known | changes)))

    @property
    def records(self) -> list[Record]:
        return [decode_record(output.value) for output in self.publisher.on(TOPICS.notifications)]

    @property
    def states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.letters.rows.values())


async def turns(redriver: Redriver) -> None:
    """Until there is nothing to do, through everything that fails on the way."""
    while True:
        try:
            if not await redriver.turn():
                return
        except (MongoUnavailable, KafkaUnavailable):
            continue


async def test_a_letter_becomes_one_record_one_generation_on() -> None:
    scene = Scene(1, attempts=3, first_failed_at=5, fallback=("webhook",), generation=2, pass_=4, turn_at=7, turns=4)
    await scene.begin()
    await turns(scene.redriver())
    (record,) = scene.records
    assert (record.kind, record.subject, record.generation, record.pass_) == (Kind.REDRIVE, "d-1", 3, 0)
    delivery = record.delivery
    assert delivery is not None
    assert (delivery.generation, delivery.pass_, delivery.attempts, delivery.first_failed_at) == (3, 0, 0, None)
    assert (delivery.fallback, record.format, record.forced) == ((), 2, False)
    assert (delivery.turn_at, delivery.turns) == (None, 0), "all that are redriven at once keep to the rate limits"
    assert scene.states == Counter(redriven=1)
    assert scene.publisher.written[0].key == b"acme:ada"


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("store", ["letters", "publisher", "jobs"])
@pytest.mark.parametrize("skipped", range(4))
async def test_what_fails_in_the_middle_is_done_again_to_the_letter(
    store: str, skipped: int, after_effect: bool
) -> None:
    scene = Scene(*range(7))
    await scene.job(per_second=15)  # pages of three
    outages = getattr(scene, store).outages
    redriver = scene.redriver()
    for _ in range(skipped):
        await redriver.turn()
    outages.add(after_effect=after_effect)
    await turns(redriver)
    assert outages.met
    by_letter = {(record.subject, record.generation): msgspec.json.encode(record) for record in scene.records}
    assert len(by_letter) == 7
    assert len({msgspec.json.encode(record) for record in scene.records}) == 7, "repeated, it is the same record"
    assert scene.states == Counter(redriven=7)
    job = scene.jobs.rows["j"]
    assert (job.state, job.counts) == (JobState.DONE, JobCounts(redriven=7))


async def test_where_nothing_fails_each_is_written_once() -> None:
    scene = Scene(*range(7))
    await scene.job(per_second=15)
    await turns(scene.redriver())
    assert len(scene.records) == 7


async def test_two_that_both_think_they_lead_count_each_letter_once() -> None:
    scene = Scene(*range(9))
    await scene.job(per_second=15)
    one, other = scene.redriver(), scene.redriver()
    while await one.turn() or await other.turn():
        await other.turn()
    assert len({record.subject for record in scene.records}) == 9
    assert scene.jobs.rows["j"].counts == JobCounts(redriven=9)


async def test_who_does_not_lead_does_nothing() -> None:
    scene = Scene(1)
    await scene.begin()
    scene.leads = False
    assert not await scene.redriver().turn()
    assert scene.records == []


async def test_a_job_leaves_what_has_expired_or_is_not_whole_open_unless_forced() -> None:
    scene = Scene(1, 2)
    old, part = dead_letter_row(3, at=a.NOON + 3), dead_letter_row(4, at=a.NOON + 4)
    part["whole"] = False
    for row in (old, part):
        scene.letters.rows[row["_id"]] = row
    await scene.job()
    await turns(scene.redriver())
    assert scene.jobs.rows["j"].counts == JobCounts(redriven=2, expired=1, not_whole=1)
    assert scene.states == Counter(redriven=2, open=2)
    await scene.job(id="k", forced=True)
    await turns(scene.redriver())
    assert scene.jobs.rows["k"].counts == JobCounts(redriven=1, not_whole=1)
    forced = next(record for record in scene.records if record.subject == "d-3")
    assert forced.forced
    assert forced.delivery is not None
    assert now_ms() < forced.delivery.notification.expires_at <= now_ms() + FORCED_MS


async def test_the_many_jobs_of_one_tenant_keep_no_other_tenants_waiting() -> None:
    scene = Scene(1)
    for number in range(60):
        await scene.job(id=f"older-{number}", tenant="busy", started_at=1)
    await scene.job()
    await scene.redriver().turn()
    assert scene.jobs.rows["j"].counts == JobCounts(redriven=1)


async def test_a_cancelled_job_takes_no_further_page() -> None:
    scene = Scene(*range(6))
    await scene.job(per_second=10)
    redriver = scene.redriver()
    await redriver.turn()
    await scene.jobs.cancel("acme", "j")
    await turns(redriver)
    assert scene.states == Counter(redriven=2, open=4)


async def test_a_job_is_no_faster_than_wanted() -> None:
    scene = Scene(*range(4))
    await scene.job(per_second=10)
    redriver = scene.redriver()
    began = now_ms()
    await turns(redriver)
    assert now_ms() - began >= 350, "two pages of two, each worth 200 ms, and a look for a third"
    assert scene.states == Counter(redriven=4)


async def test_other_data_are_sent_and_recorded_and_told_without_contents() -> None:
    scene = Scene(1)
    await scene.begin(data=SECRET)
    await turns(scene.redriver())
    (record,) = scene.records
    assert record.delivery is not None
    assert bytes(record.delivery.notification.data) == SECRET
    edited, sent = sorted(scene.audit.entries.values(), key=lambda entry: entry.action)
    assert (edited.action, sent.action) == (AuditAction.DEAD_LETTER_EDITED, AuditAction.DEAD_LETTER_REDRIVEN)
    before = hashlib.sha256(bytes(a.notification().data)).hexdigest()
    assert edited.details["data_sha256_before"] == before
    assert edited.details["data_sha256_after"] == hashlib.sha256(SECRET).hexdigest()
    assert b"secret" not in msgspec.json.encode(list(scene.audit.entries.values()))
    assert {entry.actor for entry in scene.audit.entries.values()} == {"key"}


async def test_a_job_is_one_deed() -> None:
    scene = Scene(1, 2)
    await scene.job()
    await turns(scene.redriver())
    (entry,) = scene.audit.entries.values()
    assert (entry.action, entry.subject, entry.details["wanted"]) == (AuditAction.REDRIVE_STARTED, "j", 2)


@pytest.mark.parametrize(
    ("changes", "forced", "stands"),
    [
        ({}, False, None),
        ({"state": "redriving"}, True, Obstacle.REDRIVEN),
        ({"state": "redriven"}, True, Obstacle.REDRIVEN),
        ({"state": "discarded"}, True, Obstacle.DISCARDED),
        ({"whole": False}, True, Obstacle.NOT_WHOLE),
        ({"erased": True}, True, Obstacle.NOT_WHOLE),
    ],
)
def test_what_stands_in_the_way(changes: dict[str, Any], forced: bool, stands: Obstacle | None) -> None:
    row: Any = {**dead_letter_row(1), **changes}
    assert obstacle(row, a.NOON, forced=forced) is stands


def test_expired_is_from_its_very_end_on() -> None:
    row = dead_letter_row(1)
    end = a.notification().expires_at
    assert obstacle(row, end - 1, forced=False) is None
    assert obstacle(row, end, forced=False) is Obstacle.EXPIRED
    assert obstacle(row, end, forced=True) is None


def test_of_an_erased_one_nothing_is_written() -> None:
    row = dead_letter_row(1)
    row["redrive"] = redrive_of(row, by="key", at=a.NOON, forced=False)
    assert redrive_output(TOPICS, row) is not None
    del row["value"]
    assert redrive_output(TOPICS, row) is None
    assert row["state"] == DeadLetterState.OPEN
