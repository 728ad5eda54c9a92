"""Fan-outs: each page is taken once, by the record that comes first, which may come again."""

from __future__ import annotations

import msgspec
import pytest

from shared.model.fanouts import PAGE, FanoutPage, FanoutState, StartedFanout
from shared.model.outputs import Coordinates
from shared.mongo.fanouts import Fanouts
from tests.support import samples as a
from tests.support.fanouts import of_list, of_topic
from tests.support.twins.fanouts import MemoryFanouts

HERE, THERE = Coordinates("fanouts", 3, 7), Coordinates("fanouts", 3, 8)


@pytest.fixture
def fanouts(implementation: str, request: pytest.FixtureRequest) -> Fanouts | MemoryFanouts:
    return MemoryFanouts() if implementation == "twin" else Fanouts(request.getfixturevalue("database"))


def page(fanout: StartedFanout, number: int = 1, **more) -> FanoutPage:
    return FanoutPage(fanout=fanout.id, page=number, **more)


async def test_the_first_record_takes_the_page_and_may_take_it_again(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    taken = await fanouts.take(page(started), HERE)
    assert taken is not None
    assert (taken.fanout, taken.page, taken.cancelled) == (started, page(started), False)
    assert await fanouts.take(page(started), HERE) == taken
    assert await fanouts.take(page(started), THERE) is None


async def test_a_page_is_taken_in_its_turn(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    assert await fanouts.take(page(started, 2), HERE) is None
    await fanouts.take(page(started, 1), HERE)
    assert await fanouts.take(page(started, 2, cursor="u", recipients=500), THERE) is not None
    assert await fanouts.take(page(started, 1), HERE) is None, "all of it was on the log before"


async def test_one_that_is_started_again_goes_on(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    await fanouts.take(page(started), HERE)
    await fanouts.insert([started, of_topic(event_id="e-2")])
    found = await fanouts.find("acme", started.id)
    assert found is not None
    assert found.pages == 1


async def test_of_a_list_a_page_has_its_own_alone(fanouts) -> None:
    users = [f"u-{number}" for number in range(PAGE + 3)]
    started = of_list(users)
    await fanouts.insert([started])
    first = await fanouts.take(page(started), HERE)
    assert first is not None
    assert first.is_listed
    assert [each.id for each in first.fanout.listed] == users[:PAGE]
    second = await fanouts.take(page(started, 2, cursor=str(PAGE)), THERE)
    assert second is not None
    assert [each.id for each in second.fanout.listed] == users[PAGE:]


async def test_where_and_the_data_come_back_as_they_were(fanouts) -> None:
    started = msgspec.structs.replace(of_topic(), where={"profile.locale": {"in": ["de"]}})
    await fanouts.insert([started])
    taken = await fanouts.take(page(started), HERE)
    assert taken is not None
    assert taken.fanout == started


async def test_when_its_list_was_written_comes_back(fanouts) -> None:
    started = msgspec.structs.replace(of_list(["ada"]), named_at=a.NOON - a.DAY)
    accepted_now = of_list(["ada"], event_id="e-2")
    await fanouts.insert([started, accepted_now])
    for each in (started, accepted_now):
        taken = await fanouts.take(page(each), HERE)
        assert taken is not None
        assert taken.fanout == each


async def test_progress_counts_what_is_done(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    await fanouts.take(page(started), HERE)
    await fanouts.take(page(started, 2, recipients=490, skipped=10), THERE)
    found = await fanouts.find("acme", started.id)
    assert found is not None
    assert (found.state, found.pages, found.recipients, found.skipped) == (FanoutState.RUNNING, 2, 490, 10)
    assert await fanouts.end(page(started, 2, recipients=600, skipped=11)) is FanoutState.DONE
    assert await fanouts.end(page(started, 2, recipients=600, skipped=11)) is FanoutState.DONE
    found = await fanouts.find("acme", started.id)
    assert found is not None
    assert (found.state, found.recipients, found.skipped, found.topic) == (FanoutState.DONE, 600, 11, "thread:7")
    assert found.ended_at is not None
    again = await fanouts.take(page(started, 2, recipients=490, skipped=10), THERE)
    assert again is not None, "a crash before its last status was out"


async def test_a_cancelled_one_has_nothing_to_read(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    await fanouts.take(page(started), HERE)
    cancelled = await fanouts.cancel("acme", started.id)
    assert cancelled is not None
    assert cancelled.state is FanoutState.CANCELLED
    taken = await fanouts.take(page(started, 2), THERE)
    assert taken is not None
    assert taken.cancelled
    found = await fanouts.find("acme", started.id)
    assert found is not None
    assert found.pages == 1
    assert await fanouts.end(page(started)) is FanoutState.CANCELLED, "the last page was under way"


async def test_one_that_is_done_cannot_be_cancelled(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    await fanouts.take(page(started), HERE)
    await fanouts.end(page(started))
    found = await fanouts.cancel("acme", started.id)
    assert found is not None
    assert found.state is FanoutState.DONE


async def test_another_tenants_is_not_there(fanouts) -> None:
    started = of_topic()
    await fanouts.insert([started])
    assert await fanouts.find("other", started.id) is None
    assert await fanouts.cancel("other", started.id) is None
    assert await fanouts.newest("other", most=5) == []
    assert [each.id for each in await fanouts.newest("acme", most=5)] == [started.id]
