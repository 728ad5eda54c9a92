"""What is parked waits for those who may carry it now, whoever they were when it was parked."""

from __future__ import annotations

import msgspec
import pytest
import time_machine

from services.delivery.accounts import Providers
from shared.model.channels import Channel
from tests.unit.delivery.test_failover import DOWN, Scene

pytestmark = pytest.mark.usefixtures("clock")


async def test_a_provider_that_is_added_takes_what_waits_for_those_before_it(clock: time_machine.Traveller) -> None:
    """Probes of the one that is down would bring it one message in ten minutes."""
    scene, chosen = Scene(), {"theirs": ["first"]}
    added = Providers(
        Channel.SMS, {"first": scene.first, "second": scene.second}, chosen=lambda tenant: chosen.get(tenant, ())
    )
    scene.first.outcome = lambda _: DOWN
    await scene.attempt("d-0")
    await scene.park(*(f"d-{number}" for number in range(70)), under="sms/first")
    await scene.park("all-1", under="sms/first+second")
    (row, *_) = scene.holds.rows.values()
    theirs = msgspec.structs.replace(row.hold.record, tenant="theirs", subject="theirs-1")
    await scene.holds.insert([msgspec.structs.replace(row.hold, record=theirs)])
    parking = scene.parking(added)
    for sent_back in (30, 60, 70, 70):
        await parking._survey()
        assert len(scene.due) == sent_back, "two a second, for the fifteen seconds until the next"
        clock.shift(1)
    assert set(scene.due) == {f"d-{number}" for number in range(70)}, "what waits for all that may carry it stays"
