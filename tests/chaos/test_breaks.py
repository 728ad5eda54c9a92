"""The checker finds out: whatever the product does wrong, the verdict says so, and no process ends of it.

Each break is one thing that a service does wrong. The scene in which it matters ends without a fault if nothing is broken.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.breaks.breaking import ROOMS, Break, breaks_of
from tests.chaos.breaks.scenes import Scene
from tests.chaos.breaks.stage import Stage
from tests.support.env import Harness, Names

ALL = {one.full_name: one for room in ROOMS for one in breaks_of(room)}
SHORT = (
    "delivery/a ledger hit emits nothing again",
    "gateway/a resume repeats one",
)
"""Those of a run that is not to be long."""
BREAKS = list(ALL.values()) if os.environ.get("CARILLON_CHAOS_LONG") else [ALL[name] for name in SHORT]
SCENES = {one.scene.name: one.scene for one in BREAKS}


@pytest.fixture
async def harness(names: Names, tmp_path: Path) -> AsyncIterator[Harness]:
    """As anybody's; but nobody asks for its decisions again, which a broken router made."""
    made = Harness(names, tmp_path)
    try:
        yield made
    finally:
        made.kill()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
async def test_where_nothing_is_broken_there_is_no_fault(harness: Harness, scene: Scene) -> None:
    stage = Stage(harness, scene)
    found = await stage.play()
    assert found.faults() == {}
    assert found.holds > 0
    assert found.retries > 0
    assert stage.ended() == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wrong", BREAKS, ids=lambda wrong: wrong.full_name)
async def test_what_is_broken_is_found_out(harness: Harness, wrong: Break) -> None:
    stage = Stage(harness, wrong.scene, wrong)
    found = await stage.play()
    print(found.summary())  # noqa: T201  # what the verdict says, for whoever reads the log
    assert found.faults().keys() & wrong.shows, found.summary()
    assert stage.ended() == [], "it is the verdict that says so, not a crash"
