"""Collapsed items: what a newer one replaces is gone from every socket and count, whatever crashes in between."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.live.core.actions import InboxSnapshot, SendFrame
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.session import Session
from shared.model import ids, inbox
from shared.model.channels import Channel
from shared.model.digests import Digest
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change, InboxEvent
from shared.model.outputs import KafkaRecord
from shared.model.records import encode
from shared.model.users import User
from shared.process import failpoints
from shared.process.failpoints import Failpoint
from tests.support import samples as a
from tests.unit.delivery.test_inbox_writer import TOPIC, TOPICS, Scene

pytestmark = pytest.mark.usefixtures("clock")


class Killed(Exception):
    """Where the process would be gone."""


@pytest.fixture
def scene() -> Scene:
    return Scene()


def at(offset: int, replaces: int | None = None) -> KafkaRecord:
    delivery = a.delivery(
        id=f"d-{offset}",
        channel=Channel.IN_APP,
        address="ada",
        notification=a.notification(id=f"n-{offset}"),
        replaces=None if replaces is None else f"n-{replaces}",
    )
    return a.record(encode(delivery), topic=TOPIC, partition=1, offset=offset)


def naming(offset: int, event: str = "e-7", **more: bool) -> KafkaRecord:
    """One that names the event whose notification `named` is."""
    about = a.notification(id=f"n-{offset}", supersedes=event, **more)
    delivery = a.delivery(id=f"d-{offset}", channel=Channel.IN_APP, address="ada", notification=about)
    return a.record(encode(delivery), topic=TOPIC, partition=1, offset=offset)


def named(offset: int, event: str = "e-7") -> KafkaRecord:
    about = a.notification(id=ids.notification_id(event, "order.shipped", "ada"), event_id=event)
    delivery = a.delivery(id=f"d-{offset}", channel=Channel.IN_APP, address="ada", notification=about)
    return a.record(encode(delivery), topic=TOPIC, partition=1, offset=offset)


def events(scene: Scene) -> list[InboxEvent]:
    return [inbox.decode(output.value or b"") for output in scene.publisher.on(TOPICS.inbox)]


def shown(scene: Scene) -> tuple[set[str], int]:
    """What a client that was connected all the time shows: items, and the number beside them."""
    session = Session("epoch")
    session.on_user(User(tenant="acme", id="ada", expires_at=1e12))
    session.on_rows(InboxSnapshot((), (), 0, -1, 0, too_many=False))
    items: dict[str, bool] = {}
    unread = 0
    for event in events(scene):
        for action in session.on_event(Announcement(encode(event))):
            assert isinstance(action, SendFrame)
            found = msgspec.json.decode(action.payload)
            unread = found["unread"]
            for item in found.get("items") or [found["item"]]:
                items[item["id"]] = "deleted_at" in item
    return {name for name, deleted in items.items() if not deleted}, unread


async def test_an_unread_one_gives_way_on_every_socket(scene: Scene) -> None:
    await scene.writer.write([at(7), at(8)])
    await scene.writer.write([at(9, replaces=7)])
    assert [event.change for event in events(scene)] == [Change.CREATED, Change.CREATED, Change.CREATED, Change.DELETED]
    assert shown(scene) == ({"n-8", "n-9"}, 2)
    told = scene.publisher.on(TOPICS.statuses)[-1]
    assert dict(told.headers)["ce_type"] == b"carillon.inbox.deleted"
    assert msgspec.json.decode(told.value or b"")["replaced_by"] == "n-9"


async def test_all_of_them_in_one_bulk_leave_the_newest(scene: Scene) -> None:
    await scene.writer.write([at(7), at(8, replaces=7), at(9, replaces=8)])
    assert shown(scene) == ({"n-9"}, 1)


async def test_a_read_one_stays(scene: Scene) -> None:
    await scene.writer.write([at(7)])
    await scene.rows.mark_read("d-7", a.NOON + 1)
    await scene.writer.write([at(8, replaces=7)])
    assert [event.change for event in events(scene)] == [Change.CREATED, Change.CREATED]


async def test_one_that_is_named_goes_though_it_is_read(scene: Scene) -> None:
    await scene.writer.write([named(7), at(8)])
    await scene.rows.mark_read("d-7", a.NOON + 1)
    await scene.writer.write([naming(9)])
    assert shown(scene) == ({"n-8", "n-9"}, 2)
    told = msgspec.json.decode(scene.publisher.on(TOPICS.statuses)[-1].value or b"")
    assert (told["notification"], told["replaced_by"]) == (ids.notification_id("e-7", "order.shipped", "ada"), "n-9")


async def test_a_test_names_nobody_elses(scene: Scene) -> None:
    await scene.writer.write([named(7)])
    await scene.writer.write([naming(9, test=True)])
    assert len(shown(scene)[0]) == 2


async def test_a_digest_takes_nobodys_place_whom_one_of_its_items_names(scene: Scene) -> None:
    await scene.writer.write([named(7)])
    about = a.notification(id="n-9", supersedes="e-7")
    digest = Digest(count=2, items=(a.notification().data,) * 2, id="dg")
    delivery = a.delivery(id="d-9", channel=Channel.IN_APP, address="ada", notification=about, digest=digest)
    await scene.writer.write([a.record(encode(delivery), topic=TOPIC, partition=1, offset=9)])
    assert len(shown(scene)[0]) == 2


async def test_without_a_new_row_the_old_one_stays(scene: Scene) -> None:
    await scene.writer.write([at(7)])
    late = a.delivery(
        id="d-8", channel=Channel.IN_APP, notification=a.notification(id="n-8", expires_at=a.NOON), replaces="n-7"
    )
    await scene.writer.write([a.record(encode(late), topic=TOPIC, partition=1, offset=8)])
    assert shown(scene) == ({"n-7"}, 1)


@pytest.mark.parametrize("point", [Failpoint.AFTER_INBOX_ROW, Failpoint.AFTER_REPLACE, Failpoint.AFTER_PRODUCE])
async def test_a_crash_anywhere_is_repeated_to_the_same_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, point: Failpoint
) -> None:
    await scene.writer.write([at(7), at(8)])

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as armed:
        armed.setattr(failpoints.os, "kill", killed)
        failpoints.arm(point)
        with pytest.raises(Killed):
            await scene.writer.write([at(9, replaces=7)])
    failpoints.arm(None)
    await scene.writer.write([at(9, replaces=7)])
    assert shown(scene) == ({"n-8", "n-9"}, 2)
    removals = [event for event in events(scene) if event.change == Change.DELETED]
    assert len({inbox.encode(event) for event in removals}) == 1


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_an_outage_in_between_is_repeated_to_the_same_end(scene: Scene, after_effect: bool) -> None:
    await scene.writer.write([at(7)])
    insert = scene.rows.insert

    async def insert_then_outage(rows):
        found = await insert(rows)
        scene.rows.outages.add(after_effect=after_effect)
        return found

    scene.rows.insert = insert_then_outage  # type: ignore[method-assign]
    with pytest.raises(MongoUnavailable):
        await scene.writer.write([at(8, replaces=7)])
    scene.rows.insert = insert  # type: ignore[method-assign]
    await scene.writer.write([at(8, replaces=7)])
    assert shown(scene) == ({"n-8"}, 1)
