"""Probes that nobody hears of again, and what only a newer version can release."""

from __future__ import annotations

import pytest
import time_machine

from services.delivery.core.attempts import Sent
from shared.model.provider_accounts import AccountState
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.unit.delivery.parked import PAUSE, SLICE, Scene
from tests.unit.delivery.scenes import POLICY

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_probe_that_never_comes_back_is_followed_by_another(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    """Its user opted out meanwhile, or its worker died."""
    await scene.park("d-1", "d-2")
    clock.shift(PAUSE)
    await scene.parking.look()
    (lost,) = scene.due
    scene.holds.rows = {name: row for name, row in scene.holds.rows.items() if row.hold.record.subject != lost}
    clock.shift(POLICY.patience / 1000 - 1)
    await scene.parking.look()
    assert scene.due == []
    clock.shift(1)
    await scene.parking.look()
    assert len(scene.due) == 1


async def test_what_a_newer_version_has_parked_keeps_its_account(
    scene: Scene, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten by an old process, it would be released by nobody, and end as expired."""
    monkeypatch.setattr("shared.model.formats.FORMAT", a.NEWER)
    await scene.deliver(a.received(id="newer", format=a.NEWER))
    await scene.deliver(a.received(id="probe"))
    monkeypatch.setattr("shared.model.formats.FORMAT", a.NEWER - 1)
    clock.shift(PAUSE)
    await scene.parking.look()
    scene.sender.outcome = lambda _: Sent()
    assert await scene.bring_back() == ["probe"]
    clock.shift(5)
    await scene.parking.look()
    assert scene.state() is AccountState.CLOSED
    monkeypatch.setattr("shared.model.formats.FORMAT", a.NEWER)
    await scene.another().look()
    assert scene.due == ["newer"], "at once: the old one has not put it off"


async def test_one_that_an_account_never_takes_does_not_keep_the_others_waiting(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    """As a number that a trial account may not send to: refused, it is the oldest again, and the next probe is another."""
    await scene.park("never", accepted_at=a.NOON - 9000)
    await scene.park("d-1", "d-2")
    down = scene.sender.outcome
    scene.sender.outcome = lambda delivery: down(delivery) if delivery.id == "never" else Sent()
    clock.shift(PAUSE)
    await scene.parking.look()
    assert await scene.bring_back() == ["never"]
    clock.shift(10 * PAUSE)
    await scene.parking.look()
    assert await scene.bring_back() == ["d-1"]
    assert scene.state() is AccountState.CLOSED


async def test_probes_that_never_come_back_do_not_keep_everybody_waiting(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    """An outage that ends in the night: what was parked first is held by `decide` for its quiet hours, one by one."""
    await scene.park(*(f"quiet-{number}" for number in range(50)), accepted_at=a.NOON - 1)
    await scene.park("awake")
    scene.sender.outcome = lambda _: Sent()
    clock.shift(PAUSE)
    for _ in range(2):
        await scene.parking.look()
        scene.holds.rows = {name: row for name, row in scene.holds.rows.items() if row.due > now_ms()}
        clock.shift(POLICY.patience / 1000)
    clock.shift(-1)  # before anybody looks again
    await scene.deliver(a.received(id="fresh"))
    assert [delivery.id for delivery in scene.sender.received[1:]] == ["fresh"], "whoever comes first is the probe"
    assert scene.state() is AccountState.CLOSED


async def test_after_a_lost_probe_more_than_one_is_sent_for(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.park(*(f"d-{number}" for number in range(9)))
    clock.shift(PAUSE)
    await scene.parking.look()
    scene.holds.rows = {name: row for name, row in scene.holds.rows.items() if row.due > now_ms()}
    clock.shift(POLICY.patience / 1000)
    await scene.parking.look()
    assert len(scene.due) == SLICE
    before = len(scene.sender.received)
    await scene.bring_back()
    assert len(scene.sender.received) - before == 1, "one of them probes, the others are parked again"
