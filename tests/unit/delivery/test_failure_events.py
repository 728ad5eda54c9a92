"""A failure is an event where a workflow starts on it: the same one each time, and never one about itself."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import time_machine

from services.delivery.core.attempts import Failed, ProviderUnavailable, Rejected
from services.delivery.core.failure_events import FailureEvent, failure_event, failure_of
from services.router.core.received_event import EventTenants, read_events
from shared.model.channel_templates import Templates
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.events import Event
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.staging import Staging
from shared.model.templates import EmailTemplate
from shared.model.topics import Topics
from tests.support import samples as a
from tests.unit.delivery.scenes import WorkerScene

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
ALARM = a.workflow(
    key="ops.alarm",
    on=("carillon.delivery.*",),
    recipients="data.nobody",
    templates=Templates(email=EmailTemplate(subject="x", text="x")),
)


def events(scene: WorkerScene) -> list[Output]:
    return [output for output in scene.publisher.written if output.topic == TOPICS.accepted_events]


@pytest.fixture
async def scene() -> WorkerScene:
    made = WorkerScene()
    made.catalog.publish("acme", ALARM)
    await made.catalog.load()
    return made


async def test_a_dead_letter_is_an_event_that_expand_reads(scene: WorkerScene) -> None:
    scene.sender.outcome = lambda _: Rejected(code="550")
    await scene.deliver()
    (output,) = events(scene)
    record = a.record(output.value, topic=output.topic, key=output.key, headers=output.headers)
    tenants = EventTenants(internal=TOPICS.accepted_events, public="default", trusted=False)
    (found,) = read_events(record, a.NOON, tenants)
    assert found.tenant == "acme"  # type: ignore[union-attr]  # it can be read
    event: Event = found.event  # type: ignore[union-attr]
    assert event.type == "carillon.delivery.dead"
    data = orjson.loads(event.data)
    assert (data["channel"], data["code"], data["reason"], data["user"]) == ("email", "550", "rejected", "ada")
    assert "example.com" not in output.value.decode()
    await scene.deliver()  # a replay
    assert len({dict(each.headers)["ce_id"] for each in events(scene)}) == 1


async def test_a_provider_that_is_down_is_one_event_an_hour(scene: WorkerScene, clock: time_machine.Traveller) -> None:
    scene.sender.outcome = lambda _: ProviderUnavailable(code="refused")
    for number in range(5):
        await scene.deliver(a.received(id=f"d-{number}"))
    assert {dict(each.headers)["ce_type"] for each in events(scene)} == {b"carillon.delivery.provider_down"}
    assert len(events(scene)) == 1, "not one for each of thousands"
    clock.shift(3600)
    await scene.deliver(a.received(id="d-9", notification=a.notification(expires_at=a.NOON + 10 * 3_600_000)))
    assert len(events(scene)) == 2


async def test_where_no_workflow_starts_on_it_nothing_is_written() -> None:
    scene = WorkerScene()
    scene.sender.outcome = lambda _: Rejected(code="550")
    await scene.deliver()
    assert events(scene) == []


@pytest.mark.parametrize("outcome", [Rejected(code="550"), ProviderUnavailable(code="refused")])
async def test_the_failure_of_a_test_is_a_test_and_takes_no_alarms_place(
    scene: WorkerScene, outcome: Rejected | ProviderUnavailable
) -> None:
    scene.staging = Staging(allow={"email": ("ada@example.com",)})
    scene.sender.outcome = lambda _: outcome
    await scene.deliver(a.received(id="d-test", notification=a.notification(test=True)))
    await scene.deliver(a.received(id="d-live"))
    of_test, live = (dict(each.headers) for each in events(scene))
    assert (of_test.get("ce_carillontest"), live.get("ce_carillontest")) == (b"true", None)
    assert of_test["ce_id"] != live["ce_id"]


async def test_a_retry_is_no_failure(scene: WorkerScene) -> None:
    scene.sender.outcome = lambda _: Failed(code="500")
    await scene.deliver()
    assert events(scene) == []


@pytest.mark.parametrize(
    ("state", "reason", "changes", "kind"),
    [
        (DeliveryState.DEAD, Reason.REJECTED, {}, FailureEvent.DEAD),
        (DeliveryState.DEAD, Reason.REJECTED, {"event_type": "carillon.delivery.dead"}, None),
        (DeliveryState.PARKED, Reason.PROVIDER_DOWN, {}, FailureEvent.PROVIDER_DOWN),
        (DeliveryState.PARKED, Reason.PROVIDER_DOWN, {"event_type": "carillon.delivery.dead"}, None),
        (DeliveryState.PARKED, Reason.RATE_LIMITED, {}, None),
        (DeliveryState.SENT, None, {}, None),
    ],
)
def test_what_is_a_failure_and_that_of_an_alarm_is_none(
    state: DeliveryState, reason: Reason | None, changes: dict[str, Any], kind: FailureEvent | None
) -> None:
    result = DeliveryResult(state=state, at=a.NOON, attempts=1, reason=reason)
    assert failure_of(a.delivery(notification=a.notification(**changes)), result) is kind


def test_what_dies_once_more_after_a_redrive_is_another_event() -> None:
    result = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.REJECTED)
    first, again = (
        dict(failure_event(TOPICS, a.delivery(generation=number), result, FailureEvent.DEAD).headers)["ce_id"]
        for number in (0, 1)
    )
    assert first != again
