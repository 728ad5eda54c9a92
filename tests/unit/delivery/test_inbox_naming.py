"""Items of several steps of one notification are several, each with an id of its own; what is gone by then is not told of."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pytest

from shared.model.channels import Channel
from shared.model.inbox import Change
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord
from shared.model.records import encode
from shared.model.steps import BranchStep, ChannelStep, DelayStep
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.unit.delivery.test_inbox_replacing import at as replacing
from tests.unit.delivery.test_inbox_replacing import events, shown
from tests.unit.delivery.test_inbox_withdrawing import keyed
from tests.unit.delivery.test_inbox_writer import TOPIC, TOPICS, Scene

pytestmark = pytest.mark.usefixtures("clock")
SEVERAL = (
    ChannelStep(key="notify", channels=(Channel.IN_APP,)),
    DelayStep(key="wait", seconds=60),
    ChannelStep(key="again", channels=(Channel.EMAIL, Channel.IN_APP)),
)


@pytest.fixture
def scene() -> Scene:
    found = Scene()
    found.catalog.publish("acme", a.workflow(version=4, steps=SEVERAL))
    return found


def of(offset: int, step: str, *, id_: str = "n", delivery: str = "") -> KafkaRecord:
    about = a.notification(id=id_, version=4)
    sent = a.delivery(id=delivery or f"d-{step}", channel=Channel.IN_APP, address="ada", step=step, notification=about)
    return a.record(encode(sent), topic=TOPIC, partition=1, offset=offset)


def told(scene: Scene) -> list[tuple[str, str | None, int]]:
    """Of each item that was announced: its id, its notification where that is another one, its place."""
    items = [item for event in events(scene) for item in event.items if event.change == Change.CREATED]
    return [(item.id, item.notification, item.offset) for item in items]


FIRST, SECOND = ("n", None, 7), ("d-again", "n", 9)


@pytest.mark.parametrize("bulks", [[[0, 1]], [[0], [1]], [[0], [0, 1], [1], [0, 1]]], ids=["one", "two", "replays"])
async def test_the_first_one_has_the_notifications_id_and_the_next_its_deliverys(
    scene: Scene, bulks: list[list[int]]
) -> None:
    records = [of(7, "notify"), of(9, "again")]
    for bulk in bulks:
        await scene.writer.write([records[each] for each in bulk])
    assert told(scene) == [(FIRST, SECOND)[each] for bulk in bulks for each in bulk]
    assert shown(scene) == ({"n", "d-again"}, 2)
    data = [msgspec.json.decode(output.value or b"") for output in scene.publisher.on(TOPICS.statuses)]
    assert {each["notification"] for each in data} == {"n"}


async def test_a_replay_elsewhere_on_the_log_keeps_its_id(scene: Scene) -> None:
    await scene.writer.write([of(7, "notify"), of(9, "again")])
    await scene.writer.write([of(12, "again"), of(13, "notify")])
    assert told(scene) == [FIRST, SECOND, SECOND, FIRST]


async def test_who_is_shown_the_second_step_only_has_it_under_the_notifications_id(scene: Scene) -> None:
    await scene.writer.write([of(9, "again"), of(10, "again", id_="m", delivery="d-m")])
    assert told(scene) == [("n", None, 9), ("m", None, 10)]


class AskedRows(MemoryInboxRows):
    """Keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def first_items(self, notifications: Collection[Notification]) -> dict[str, str]:
        self.asked += [each.id for each in notifications]
        return await super().first_items(notifications)


async def test_nothing_is_asked_where_a_workflow_makes_one_item(scene: Scene) -> None:
    rows = AskedRows()
    scene.writer._rows = rows
    await scene.writer.write([keyed(7), keyed(8)])
    assert rows.asked == []
    await scene.writer.write([keyed(9), of(10, "notify")])
    assert rows.asked == ["n"]


@pytest.mark.parametrize(
    ("steps", "several"),
    [
        (SEVERAL, True),
        (SEVERAL[:2], False),
        ((BranchStep(key="b", branches=(), otherwise=SEVERAL[:1]), SEVERAL[2]), True),
        ((ChannelStep(key="a", channels=(Channel.EMAIL,)), SEVERAL[0]), False),
    ],
)
def test_which_workflows_show_several(steps: tuple, several: bool) -> None:
    found: Workflow = a.workflow(steps=steps)
    assert found.shows_several is several


async def test_what_was_withdrawn_on_its_way_is_shown_to_nobody(scene: Scene) -> None:
    await scene.cancellations.cancel("acme", "k", withdraw=True)
    await scene.writer.write([keyed(7)])
    assert [event.change for event in events(scene)] == [Change.DELETED]
    assert shown(scene) == (set(), 0)
    assert "sent" in scene.states


async def test_of_those_that_replace_one_another_at_once_the_last_is_shown(scene: Scene) -> None:
    await scene.writer.write([replacing(6), replacing(7, 6), replacing(8, 7), replacing(9)])
    created = [event.items[0].id for event in events(scene) if event.change == Change.CREATED]
    assert created == ["n-8", "n-9"]
    assert shown(scene) == ({"n-8", "n-9"}, 2)
