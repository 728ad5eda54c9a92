"""Pages of a fan-out: each member once, whatever happens in between."""

from __future__ import annotations

import orjson
import pytest

from services.router.fanout import FanoutWork
from shared.model.fanouts import PAGE, FanoutPage, FanoutState, StartedFanout, page_output
from shared.model.notifications import Notification
from shared.model.outputs import KafkaRecord
from shared.model.records import decode_record
from shared.model.topics import Topics
from shared.process.retries import retry_until_available
from tests.support import samples as a
from tests.support.fanouts import TOPIC, of_list, of_topic
from tests.support.twins.fanouts import MemoryFanouts, MemoryMembers, MemorySubscriptions
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
USERS = [f"u-{number:04}" for number in range(2 * PAGE + 7)]


class Scene:
    """What outlives a process, and the records of its topic."""

    def __init__(self) -> None:
        self.fanouts = MemoryFanouts()
        self.subscriptions = MemorySubscriptions()
        self.members = MemoryMembers(self.subscriptions)
        self.publisher = MemoryPublisher()
        self.turns = 0

    async def turn(self) -> None:
        self.turns += 1

    async def room(self) -> int:
        return 200

    def work(self) -> FanoutWork:
        """A process that has just started."""
        return FanoutWork(
            fanouts=self.fanouts, members=self.members, publisher=self.publisher, topics=TOPICS, pace=self
        )

    async def start(self, started: StartedFanout, *users: str) -> None:
        await self.subscriptions.put("acme", TOPIC, dict.fromkeys(users, 0))
        await self.fanouts.insert([started])
        await self.publisher.publish([page_output(TOPICS, FanoutPage(fanout=started.id))])

    @property
    def log(self) -> list[KafkaRecord]:
        """The records of pages, in order."""
        found = self.publisher.on(TOPICS.fanouts)
        return [
            a.record(output.value, topic=TOPICS.fanouts, offset=number, headers=[])
            for number, output in enumerate(found)
        ]

    async def run(self) -> None:
        """Until no record is left."""
        done = 0
        while done < len(self.log):
            await carry(self.work(), self.log[done])
            done += 1

    @property
    def notifications(self) -> list[Notification]:
        found = [decode_record(output.value).notification for output in self.publisher.on(TOPICS.notifications)]
        return [each for each in found if each]

    @property
    def ends(self) -> list[tuple[str, dict]]:
        """Type and data of each status."""
        return [
            (dict(output.headers)["ce_type"].decode(), orjson.loads(output.value or b""))
            for output in self.publisher.on(TOPICS.statuses)
        ]


async def carry(work: FanoutWork, *chunk: KafkaRecord) -> None:
    """As the agent does."""
    prepared = await retry_until_available(work.prepare, chunk)
    await retry_until_available(work.finish, prepared)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_every_member_is_notified_once(scene) -> None:
    started = of_topic()
    await scene.start(started, *USERS)
    await scene.run()
    assert [found.user for found in scene.notifications] == USERS
    assert len({found.id for found in scene.notifications}) == len(USERS)
    assert {found.topic for found in scene.notifications} == {TOPIC}
    assert (scene.turns, len(scene.log)) == (3, 3)
    [(kind, data)] = scene.ends
    assert (kind, data["pages"], data["recipients"]) == ("carillon.fanout.done", 3, len(USERS))
    assert scene.fanouts.rows[started.id].state is FanoutState.DONE


async def test_a_full_last_page_is_followed_by_an_empty_one(scene) -> None:
    await scene.start(of_topic(), *USERS[:PAGE])
    await scene.run()
    assert len(scene.notifications) == PAGE
    assert [kind for kind, _ in scene.ends] == ["carillon.fanout.done"]


async def test_a_topic_without_subscribers_is_done(scene) -> None:
    await scene.start(of_topic())
    await scene.run()
    assert not scene.notifications
    assert [data["recipients"] for _, data in scene.ends] == [0]


async def test_a_list_is_walked_to_its_end(scene) -> None:
    await scene.start(of_list(USERS))
    await scene.run()
    assert [found.user for found in scene.notifications] == USERS
    assert {found.topic for found in scene.notifications} == {None}


async def test_the_actor_is_left_out(scene) -> None:
    await scene.start(of_topic(actor="u-0001"), *USERS[:3])
    await scene.run()
    assert [found.user for found in scene.notifications] == ["u-0000", "u-0002"]
    assert [data["recipients"] for _, data in scene.ends] == [2]


async def test_the_life_of_a_subscription_is_the_notifications(scene) -> None:
    """So that what was for somebody who had the id before is for nobody."""
    await scene.start(of_topic())
    await scene.subscriptions.put("acme", TOPIC, {"ada": 4})
    await scene.run()
    [output] = scene.publisher.on(TOPICS.notifications)
    record = decode_record(output.value)
    assert record.notification is not None
    assert (record.notification.life, record.in_its_life, record.format) == (4, True, 2)
    assert output.headers == [], "who is subscribed now is meant, whenever it was accepted"


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("where", ["fanouts", "members", "publisher"])
@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_failures_in_between_change_nothing(scene, where, after_effect, calls) -> None:
    await scene.start(of_topic(), *USERS[: PAGE + 3])
    getattr(scene, where).outages.add(calls, after_effect=after_effect)
    await scene.run()
    assert {found.user for found in scene.notifications} == set(USERS[: PAGE + 3])
    assert getattr(scene, where).outages.met


async def test_a_crash_before_the_members_are_written_repeats_the_page(scene) -> None:
    await scene.start(of_topic(), *USERS[: PAGE + 3])
    await scene.work().prepare([scene.log[0]])
    assert not scene.notifications
    await scene.run()
    assert [found.user for found in scene.notifications] == USERS[: PAGE + 3]


async def test_a_crash_before_the_acknowledgement_makes_duplicates_only(scene) -> None:
    await scene.start(of_topic(), *USERS[: PAGE + 3])
    await carry(scene.work(), scene.log[0])
    await scene.run()
    found = [each.id for each in scene.notifications]
    assert (len(found), len(set(found))) == (2 * PAGE + 3, PAGE + 3)
    assert len({dict(output.headers)["ce_id"] for output in scene.publisher.on(TOPICS.statuses)}) == 1


async def test_the_next_page_is_written_when_all_of_this_one_is_on_the_log(scene) -> None:
    """Else a crash in between would leave members out: the page would be behind its fan-out."""
    await scene.start(of_topic(), *USERS[: PAGE + 3])
    prepared = await scene.work().prepare([scene.log[0]])
    scene.publisher.outages.add(1)
    with pytest.raises(Exception, match="asked to fail"):
        await scene.work().finish(prepared)
    assert len(scene.log) == 1


async def test_a_first_record_that_was_written_twice_counts_once(scene) -> None:
    started = of_topic()
    await scene.start(started, *USERS)
    await scene.start(started)
    await scene.run()
    assert [found.user for found in scene.notifications] == USERS


async def test_a_cancelled_one_ends_with_what_it_had(scene) -> None:
    started = of_topic()
    await scene.start(started, *USERS)
    await carry(scene.work(), scene.log[0])
    await scene.fanouts.cancel("acme", started.id)
    await carry(scene.work(), scene.log[1])
    assert len(scene.notifications) == PAGE
    assert len(scene.log) == 2
    [(kind, data)] = scene.ends
    assert (kind, data["pages"], data["recipients"]) == ("carillon.fanout.cancelled", 1, PAGE)


async def test_what_is_no_record_of_ours_is_a_dead_letter(scene) -> None:
    await carry(scene.work(), a.record(b"{", topic=TOPICS.fanouts))
    [letter] = scene.publisher.on(TOPICS.events_dlq)
    assert dict(letter.headers)["error_code"] == b"unreadable_record"


async def test_fan_outs_take_turns(scene) -> None:
    first, second = of_topic(), of_topic(event_id="e-2")
    await scene.start(first, *USERS)
    await scene.start(second)
    await scene.run()
    events = [found.event_id for found in scene.notifications]
    assert events == ["e-1"] * PAGE + ["e-2"] * PAGE + ["e-1"] * PAGE + ["e-2"] * PAGE + ["e-1"] * 7 + ["e-2"] * 7
