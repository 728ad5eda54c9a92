"""How far the router says it is: what it is behind, when it stands, and when something else is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from services.router.progress import AgentProgress, RouterProgress
from shared.model.errors import MongoUnavailable
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates
from shared.process import retries
from shared.process.newer import NewerRecords
from tests.support import samples as a

AT_ONCE = 1e-9
"""Seconds after which one stands: with the next look."""


class Scene:
    """Two agents, of which decide reads the topic n."""

    def __init__(self, *, stall_seconds: float = AT_ONCE) -> None:
        self.newer = NewerRecords()
        self.progress = RouterProgress(self.newer, stall_seconds=stall_seconds)
        self.expand = self.progress.agent("expand", ["e", "e2"])
        self.decide = self.progress.agent("decide", ["n"])

    async def metric(self, name: str, agent: str) -> float:
        return REGISTRY.get_sample_value(name, {"agent": agent}) or 0.0


@pytest.fixture
def waiting() -> Iterator[None]:
    """A call waits for MongoDB."""
    retries._waiting.note("Decisions.insert", MongoUnavailable("away"))
    yield
    retries._waiting.end("Decisions.insert")


async def test_it_is_behind_by_what_is_unread_queued_and_in_work() -> None:
    scene = Scene()
    scene.decide.follow(lambda: 30)
    scene.decide.began(4)
    await scene.progress.measure({("n", 0): 100, ("n", 7): 200, ("e", 0): 5, ("e2", 0): 6, ("other", 0): 1})
    assert (scene.decide.lag, scene.expand.lag) == (334, 11)
    assert await scene.metric("carillon_lag_records", "decide") == 334
    assert await scene.metric("carillon_lag_records", "expand") == 11
    scene.decide.set_aside(1)
    scene.decide.finished(3)
    assert scene.decide.lag == 330
    report = scene.progress.report()
    assert report["expand"] == {"lag": 11, "last_progress": None}
    assert str(report["decide"]["last_progress"]).startswith("20")
    await scene.progress.measure({})
    assert await scene.metric("carillon_last_progress_timestamp_seconds", "decide") > 1e9


async def test_it_stands_when_there_is_work_and_none_is_finished() -> None:
    scene = Scene()
    assert await scene.progress.answer() is True, "nothing was measured yet"
    await scene.progress.measure({("n", 0): 5})
    answer = await scene.progress.answer()
    assert answer == "decide is 5 records behind, and has finished none for 0 s"
    await scene.progress.measure({})
    assert await scene.progress.answer() is True, "there is nothing to do"


async def test_what_goes_forward_does_not_stand_however_much_there_is() -> None:
    scene = Scene(stall_seconds=3600)
    scene.decide.began(500)
    await scene.progress.measure({("n", 0): 1_000_000})
    scene.decide.finished(500)
    assert await scene.progress.answer() is True


async def test_an_idle_one_does_not_stand_when_something_comes_after_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10_000.0, 10_001.0, 10_100.0])
    monkeypatch.setattr("services.router.progress.time", SimpleNamespace(monotonic=lambda: next(times)))
    one = AgentProgress("decide", ["n"])
    one.measured({})
    one.measured({("n", 0): 1})
    assert one.stands() == 1.0
    assert one.stands() == 100.0


@pytest.mark.usefixtures("waiting")
async def test_one_that_waits_for_mongodb_does_not_stand() -> None:
    scene = Scene()
    await scene.progress.measure({("n", 0): 5})
    assert await scene.progress.answer() is True


async def test_nor_does_one_whose_records_wait_for_a_newer_version() -> None:
    scene, at = Scene(), Coordinates("n", 0, 5)
    scene.newer.note(at, NewerFormat("record", a.NEWER, at))
    await scene.progress.measure({("n", 0): 5})
    assert await scene.progress.answer() is True
    scene.newer.settle(at)
    assert await scene.progress.answer() is not True
