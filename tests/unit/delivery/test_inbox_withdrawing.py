"""Withdrawn items: gone from every socket and count, those that came late too, whatever crashes in between."""

from __future__ import annotations

import msgspec
import pytest

from shared.model.channels import Channel
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change
from shared.model.outputs import KafkaRecord
from shared.model.records import encode, withdraw
from shared.model.withdrawals import Withdrawal
from shared.process import failpoints
from shared.process.failpoints import Failpoint
from tests.support import samples as a
from tests.unit.delivery.test_inbox_replacing import Killed, events, shown
from tests.unit.delivery.test_inbox_writer import TOPIC, TOPICS, Scene, at

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def keyed(offset: int, count: int = 0) -> KafkaRecord:
    return at(offset, cancellation_key="k", cancel_count=count)


def told(offset: int, count: int = 1) -> KafkaRecord:
    """What the router writes into ada's lane."""
    record = withdraw("acme", Withdrawal(cancellation_key="k", count=count), user="ada")
    return a.record(encode(record), topic=TOPIC, partition=1, offset=offset)


async def test_what_is_withdrawn_goes_from_every_socket_and_the_status_says_so(scene: Scene) -> None:
    await scene.writer.write([keyed(7), keyed(8), at(9)])
    await scene.rows.mark_read("d-8", a.NOON + 1)
    await scene.writer.write([told(10)])
    assert shown(scene) == ({"n-9"}, 1)
    last = scene.publisher.on(TOPICS.statuses)[-1]
    assert dict(last.headers)["ce_type"] == b"carillon.inbox.deleted"
    data = msgspec.json.decode(last.value or b"")
    assert (data["notification"], data["withdrawn"], "replaced_by" in data) == ("n-8", True, False)
    assert not scene.publisher.on(TOPICS.deliveries_dlq(Channel.IN_APP))


async def test_what_comes_after_its_withdrawal_does_not_stay(scene: Scene) -> None:
    """It was decided before the cancel, and nobody had it yet when those who have it were looked for."""
    count = await scene.cancellations.cancel("acme", "k", withdraw=True)
    await scene.writer.write([keyed(7), keyed(8, count)])
    assert shown(scene) == ({"n-8"}, 1)


async def test_a_cancel_alone_takes_nothing_out(scene: Scene) -> None:
    await scene.cancellations.cancel("acme", "k")
    await scene.writer.write([keyed(7)])
    assert shown(scene) == ({"n-7"}, 1)


async def test_in_one_bulk_only_what_was_accepted_before_goes(scene: Scene) -> None:
    await scene.writer.write([keyed(7), told(8), keyed(9, 1)])
    assert shown(scene) == ({"n-9"}, 1)


async def test_nobody_asks_about_keys_where_there_are_none(scene: Scene) -> None:
    scene.cancellations.outages.add()
    await scene.writer.write([at(7)])
    with pytest.raises(MongoUnavailable):
        await scene.writer.write([keyed(8)])


@pytest.mark.parametrize("point", [Failpoint.AFTER_INBOX_ROW, Failpoint.AFTER_REPLACE, Failpoint.AFTER_PRODUCE])
@pytest.mark.parametrize("late", [False, True], ids=["there", "late"])
async def test_a_crash_anywhere_is_repeated_to_the_same_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, point: Failpoint, late: bool
) -> None:
    await scene.writer.write([at(6)])
    if not late:
        await scene.writer.write([keyed(7)])
    count = await scene.cancellations.cancel("acme", "k", withdraw=True)
    bulk = [keyed(7) if late else told(8, count)]

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as armed:
        armed.setattr(failpoints.os, "kill", killed)
        failpoints.arm(point)
        with pytest.raises(Killed):
            await scene.writer.write(bulk)
    failpoints.arm(None)
    await scene.cancellations.cancel("acme", "k", withdraw=True)  # another one since
    await scene.writer.write(bulk)
    assert shown(scene) == ({"n-6"}, 1)
    assert events(scene)[-1].change == Change.DELETED


async def test_one_that_was_taken_out_before_it_was_told_of_is_not_shown_by_its_replay(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row was there, its process died; the withdrawal found the row, in the lane behind it."""
    await scene.rows.insert([])
    with monkeypatch.context() as armed:
        armed.setattr(failpoints.os, "kill", _killed)
        failpoints.arm(Failpoint.AFTER_REPLACE)
        with pytest.raises(Killed):
            await scene.writer.write([keyed(7)])
    failpoints.arm(None)
    count = await scene.cancellations.cancel("acme", "k", withdraw=True)
    await scene.writer.write([keyed(7), told(8, count)])
    assert shown(scene) == (set(), 0)


def _killed(*_: object) -> None:
    raise Killed
