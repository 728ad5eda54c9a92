"""Deciding while Kafka or MongoDB fail, before or after the effect of a call: the end is the same."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.errors import MongoUnavailable
from tests.support import samples as a
from tests.unit.router.scenes import DecideStores, carry, new, retry

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


STEPS = ["profiles", "catalog", "cancellations", "decisions", "holds", "ledger", "publisher"]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_at_any_step_is_waited_out(
    stores: DecideStores, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    """The end is the same; only what was in doubt is on the log twice."""
    clock.move_to(a.NIGHT / 1000)
    undisturbed = DecideStores()
    failed, back = retry(2, id="n-2", expires_at=a.NIGHT)
    chunk = [new(0), new(1, user="eve"), back]
    for each in (undisturbed, stores):
        await each.ledger.claim([failed])
        await each.ledger.record([(failed.delivery, DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1))])
    await carry(undisturbed.decider(), *chunk)
    outages = getattr(stores, step).outages
    outages.add(after_effect=after_effect)
    await carry(stores.decider(), *chunk)
    assert outages.met, "the step was passed"
    assert stores.decisions.rows == undisturbed.decisions.rows
    assert stores.holds.held == undisturbed.holds.held
    assert len(stores.holds.held) == 1
    assert stores.ledger.rows == undisturbed.ledger.rows
    times = 2 if step == "publisher" and after_effect else 1
    assert stores.publisher.written == undisturbed.publisher.written * times


@pytest.mark.parametrize("step", ["profiles", "catalog", "cancellations", "decisions"])
async def test_nothing_goes_out_before_its_decision_is_stored(stores: DecideStores, step: str) -> None:
    getattr(stores, step).outages.add()
    with pytest.raises(MongoUnavailable):
        await stores.decider().prepare([new(0)])
    assert not stores.publisher.written
    assert not stores.decisions.rows


@pytest.mark.parametrize("step", ["holds", "ledger"])
async def test_nothing_goes_out_before_what_must_not_be_lost(stores: DecideStores, step: str) -> None:
    decider = stores.decider()
    prepared = await decider.prepare([new(0)])
    getattr(stores, step).outages.add()
    with pytest.raises(MongoUnavailable):
        await decider.finish(prepared)
    assert not stores.publisher.written
