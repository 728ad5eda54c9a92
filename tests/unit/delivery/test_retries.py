"""How often a delivery is tried: by its producer, its workflow, its channel; and what an outage counts as."""

from __future__ import annotations

import pytest

from services.delivery.core.attempts import Failed, ProviderUnavailable
from shared.model.deliveries import DeliveryState
from shared.model.reasons import Reason
from shared.model.workflows import OutagePolicy
from tests.support import samples as a
from tests.unit.delivery.sendings import Scene, brief

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_an_outage_uses_up_attempts_where_the_workflow_says_so(scene: Scene) -> None:
    scene.catalog.publish("acme", a.workflow(outage=OutagePolicy.ATTEMPT))
    scene.sender.outcome = lambda _: ProviderUnavailable(code="refused")
    assert brief(await scene.send()) == (DeliveryState.RETRYING, 1, Reason.TEMPORARY_FAILURE)
    assert brief(await scene.send(id="d-2", attempts=2)) == (DeliveryState.DEAD, 3, Reason.ATTEMPTS_EXHAUSTED)
    assert len(scene.sender.received) == 1, "its account is paused all the same"


@pytest.mark.parametrize(
    ("own", "workflows", "attempts", "state"),
    [
        (0, 5, 0, DeliveryState.DEAD),
        (None, 0, 0, DeliveryState.DEAD),
        (None, None, 1, DeliveryState.RETRYING),
        (4, 0, 3, DeliveryState.RETRYING),
    ],
)
async def test_what_its_producer_says_of_retries_counts_before_its_workflow_and_its_channel(
    scene: Scene, own: int | None, workflows: int | None, attempts: int, state: DeliveryState
) -> None:
    scene.catalog.publish("acme", a.workflow(max_retries=workflows))
    scene.sender.outcome = lambda _: Failed(code="500")
    found = await scene.send(attempts=attempts, notification=a.notification(max_retries=own))
    assert brief(found)[0] is state
