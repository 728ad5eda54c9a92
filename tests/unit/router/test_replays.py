"""What may have been decided before is looked up; what cannot have been is not."""

from __future__ import annotations

import pytest
import time_machine

from services.router.replays import ReplayWatch
from shared.model.errors import MongoUnavailable
from shared.model.steps import ThrottleStep
from tests.unit.router.runs import Runs
from tests.unit.router.test_runs import SHOW, workflow

ONE, OTHER = ("n", 1), ("n", 2)


def test_a_partition_is_certain_after_many_new_ones_in_a_row() -> None:
    watch = ReplayWatch(certain=3)
    watch.saw([(ONE, False), (ONE, False), (ONE, True), (ONE, False), (OTHER, False), (ONE, False)])
    assert watch.expects(ONE)
    watch.saw([(ONE, False)])
    assert not watch.expects(ONE)
    assert watch.expects(OTHER)
    watch.reset()
    assert watch.expects(ONE)


@pytest.mark.usefixtures("clock")
async def test_after_a_chunk_that_failed_it_is_looked_up_again(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(ThrottleStep(key="limit", most=1, seconds=3600), SHOW))
    watch = runs.decider._replays = ReplayWatch(certain=1)
    await runs.send(0)
    place = runs.log[0].coordinates[:2]
    assert not watch.expects(place)
    runs.stores.decisions.outages.add(after_effect=True)
    with pytest.raises(MongoUnavailable):
        await runs.decider.prepare(runs.log)
    assert watch.expects(place)
    runs.decider.assigned()
    assert watch.expects(place)
