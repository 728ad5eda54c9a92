"""What only MongoDB can show of deliveries that wait for a sender."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.model.attempts import Attempt, AttemptOutcome, attempts_of
from shared.model.channels import Channel
from shared.model.claims import Closing
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.pull import PullReport, ReportAnswer, ReportKind
from shared.model.reasons import Reason
from shared.model.timestamps import to_datetime
from shared.mongo.database import Database
from shared.mongo.indexes import INDEXES
from shared.mongo.ledger import Ledger
from shared.mongo.pull_erasure import erase_pull
from shared.mongo.pull_queue import PullRows
from shared.mongo.pull_senders import PullTaking
from tests.support import samples as a
from tests.support.pulled import pulled

pytestmark = pytest.mark.real
TENANT = "acme"
SENT = PullReport(kind=ReportKind.SENT, at=0)


async def test_to_the_ledger_they_are_claimed_and_what_it_closes_is_not_taken(database: Database) -> None:
    queue, taking = PullRows(database), PullTaking(database)
    first = pulled()
    await queue.insert([first])
    row: Any = await database.deliveries.find_one({"_id": "d"})
    assert (row["state"], row["channel"], row["attempts"], row["format"]) == ("claimed", Channel.PULL, 1, 2)
    (found,) = await taking.waiting(TENANT, workflow=None, most=9)
    assert found.received.record._replace(headers=[]) == first.received.record._replace(headers=[])
    assert found.received.record.headers == [("traceparent", b"00-1")]
    result = DeliveryResult(state=DeliveryState.CANCELLED, at=2, attempts=0, reason=Reason.CANCELLED)
    await Ledger(database).close([Closing(delivery="d", generation=0, pass_=1, result=result)])
    assert await taking.waiting(TENANT, workflow=None, most=9) == []


async def test_rows_that_wait_long_are_kept(database: Database) -> None:
    queue = PullRows(database)

    async def age() -> None:
        await database.deliveries.update_many({}, {"$set": {"created_at": to_datetime(a.NOON)}})

    async def is_young() -> bool:
        row: Any = await database.deliveries.find_one({"_id": "d"})
        return bool(row["created_at"] > to_datetime(a.NOON))

    await queue.insert([pulled(fresh_until=0)])
    await age()
    await queue.keep(await queue.claim(most=9))
    assert await is_young(), "it was looked at"
    await age()
    await queue.insert([pulled(pass_=1)])
    assert await is_young(), "it has come back"


async def test_the_log_of_attempts_is_kept_over_passes(database: Database) -> None:
    queue = PullRows(database, look=timedelta(0))
    tried = Attempt(account="pull/senders", outcome=AttemptOutcome.FAILED, at=1, latency_ms=2, code="busy")
    result = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41, log=(tried,))
    await queue.insert([pulled(fresh_until=0)])
    (found,) = await queue.claim(most=9)
    await queue.record([(found, result)])
    (again,) = await queue.claim(most=9)
    assert again.result == result, "whoever tells it tells the same"
    await queue.insert([pulled(pass_=1)])
    row: Any = await database.deliveries.find_one({"_id": "d"})
    assert [each["code"] for each in attempts_of(row)] == ["busy"]


async def test_a_deleted_user_leaves_nothing(database: Database) -> None:
    queue, taking = PullRows(database), PullTaking(database)
    await queue.insert([pulled("waits"), pulled("new", about={"life": 1})])
    await queue.insert([pulled("other", about={"user": "bob"}), pulled("out", name="Ada")])
    seen = await taking.waiting(TENANT, workflow=None, most=9)
    out = [each for each in seen if each.delivery.id == "out"]
    (taken,) = await taking.take(TENANT, out, token="t", lease_seconds=60)
    for _ in range(2):
        await erase_pull(database, TENANT, "ada", 1)
    left = await taking.waiting(TENANT, workflow=None, most=9)
    assert sorted(each.delivery.id for each in left) == ["new", "other"]
    (found,) = await queue.claim(most=9)
    assert (found.delivery.id, found.delivery.address) == ("waits", "")
    async for row in database.deliveries.find({"_id": {"$in": ["waits", "out"]}}):
        assert b"A7" not in row["pull"]["record"]
        assert b"Ada" not in row["pull"]["record"]
    assert await taking.report(TENANT, "out", taken.token, SENT) is ReportAnswer.RECORDED


@pytest.mark.parametrize(
    "asked",
    [
        {"tenant": TENANT, "pull.ready": True, "state": "claimed"},
        {"tenant": TENANT, "pull.ready": True, "pull.workflow": "order.shipped"},
        {"pull.look": {"$lte": to_datetime(a.NOON)}},
        {"tenant": TENANT, "taken.token": "t", "pull.look": {"$exists": True}},
        {"tenant": TENANT, "user": "ada", "pull.life": {"$lt": 1}},
    ],
)
async def test_each_look_has_its_index(database: Database, asked: dict[str, object]) -> None:
    await database.deliveries.create_indexes(INDEXES["deliveries"])
    await PullRows(database).insert([pulled()])
    plan = await database.deliveries.find(asked).explain()
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
