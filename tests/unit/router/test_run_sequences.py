"""Sequences that lost, doubled or hurried something: what comes twice in a chunk, what is brought forward, who moves."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.steps import DigestStep
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.test_runs import HOUR, SHOW, about, items_of, workflow

pytestmark = pytest.mark.usefixtures("clock")
GATHER = DigestStep(key="gather", seconds=3600)


async def test_what_comes_twice_in_one_chunk_joins_its_digest_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, 0, 1, 1, 2, **about(7))
    while await runs.release(a.NOON + HOUR):
        pass
    (delivery,) = runs.sent.values()
    assert items_of(delivery.digest) == [7, 7, 7]


async def test_nor_does_it_hold_one_whose_first_went_at_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, first_at_once=True), SHOW))
    await runs.send(0, 0, 1)
    while await runs.release(a.NOON + HOUR):
        pass
    assert sorted(one.notification.id for one in runs.sent.values()) == ["n-0", "n-1"]
