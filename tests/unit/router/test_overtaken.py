"""Two processes that have a partition at once: what the one that lost it decides meanwhile loses nothing of a digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import time_machine

from shared.model.profiles import DigestFrequency, Preferences
from shared.model.steps import DigestStep
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import carry, new
from tests.unit.router.test_runs import HOUR, SHOW, about, workflow

AT_ONCE = a.profile(version=8, preferences=Preferences(digests={"*": DigestFrequency.IMMEDIATE}))


@pytest.mark.parametrize("overtaken", [1, 2])
@pytest.mark.usefixtures("clock")
async def test_what_the_other_decided_meanwhile_is_what_the_rest_goes_by(
    clock: time_machine.Traveller, overtaken: int
) -> None:
    """It decides between the look-up and the insert, by a profile that has changed: at once, and not into a digest."""
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, user_choice=True), SHOW))
    chunk = [new(number, id=f"n-{number}", **about(number)) for number in range(1, 4)]
    runs.stores.profiles.put(AT_ONCE)
    former = runs.stores.decider()
    await carry(former, new(0, id="warm"))  # it knows the profile of before from here on
    runs.stores.profiles.put(a.profile(version=9))
    decisions = runs.stores.decisions
    known = decisions.known

    async def then_the_other_decides(ids: Sequence[str]) -> Any:
        found = await known(ids)
        decisions.known = known
        await former.prepare(chunk[:overtaken])
        return found

    decisions.known = then_the_other_decides
    await carry(runs.stores.decider(), *chunk)
    while await runs.release(a.NOON + HOUR):
        pass
    shown = [one.notification.id for one in runs.sent.values()]
    assert shown == ["warm", *(f"n-{number}" for number in range(1, overtaken + 2))]
    assert runs.statuses("n-3") == (["held", "routed"] if overtaken == 2 else ["digested"])
