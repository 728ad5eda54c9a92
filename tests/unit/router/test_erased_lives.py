"""What follows a deletion, so that nothing of the person stays stored and nothing has two ends."""

from __future__ import annotations

from typing import Any

import pytest

from services.router.core.effects import derive_effects
from services.router.decisions import decision_row, replayed
from shared.model.channels import Channel
from shared.model.lives import Life
from shared.model.profiles import Profile
from shared.model.records import decode_delivery, decode_record, profile_changed
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new

pytestmark = pytest.mark.usefixtures("clock")
TOMBSTONE = Profile(
    tenant="acme", user="ada", version=8, life=Life(number=1, since=a.NOON, settled=False), deleted=True
)
ANNOUNCED = profile_changed("acme", "ada", 1)


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


async def test_a_deletion_goes_into_the_lane_of_the_inbox_behind_all_that_was_decided_before(
    stores: DecideStores,
) -> None:
    decider = stores.decider()
    await carry(decider, new(0), at(1, profile_changed("acme", "bob")))
    stores.profiles.put(TOMBSTONE)
    await carry(decider, at(2, ANNOUNCED))
    lane = [output for output in stores.publisher.on(TOPICS.deliveries(Channel.IN_APP)) if output.key == b"acme:ada"]
    assert decode_delivery(lane[0].value).notification.id == "n-0"
    assert [decode_record(output.value) for output in lane[1:]] == [ANNOUNCED]


def test_a_replay_of_an_erased_decision_says_what_was_said_and_names_no_address() -> None:
    """Another end than the one that stands on the log would be a second one."""
    decision = a.decision(a.routing_input())
    row = decision_row(decision)
    row["items"] = [item | ({"address": ""} if item["type"] == "deliver" else {}) for item in _items(row)]
    row["erased"] = True
    again = replayed(decision, row)
    assert again is not None
    outputs, before = (derive_effects(TOPICS, [each]).outputs for each in (again, decision))
    assert [output.topic for output in outputs] == [output.topic for output in before]
    assert outputs[-1] == before[-1], "its status"
    assert {decode_delivery(output.value).address for output in outputs[:-1]} == {""}


def _items(row: Any) -> list[dict[str, Any]]:
    return list(row["items"])
