"""What follows a decision: derived, repeatable to the letter, one status each."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given

from services.router.core.decision import Decision
from services.router.core.effects import DecisionEffects, derive_effects, state
from services.router.decisions import decision_row, replayed
from shared.deciding.items import Deliver, HoldUntil, Suppress
from shared.deciding.routing_input import RoutingInput
from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.notification_states import NotificationState
from shared.model.notifications import Priority
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, decode_delivery, decode_record, encode
from shared.model.topics import Topics
from tests.support import samples as a
from tests.unit.router.test_routing_laws import questions

TOPICS = Topics()


def after(decision: Decision) -> DecisionEffects:
    return derive_effects(TOPICS, [decision])


def told(outputs: list[Output]) -> list[tuple[str, dict[str, Any]]]:
    """Type and body of each status."""
    return [
        (dict(output.headers)["ce_type"].decode(), orjson.loads(output.value or b""))
        for output in outputs
        if output.topic == TOPICS.statuses
    ]


def retry(**changes: Any) -> Record:
    earlier = a.delivery(
        id=ids.delivery_id(a.ID, "notify", Channel.EMAIL, "phone-2"),
        endpoint="phone-2",
        attempts=3,
        first_failed_at=a.NOON - 90_000,
        generation=2,
        pass_=4,
    )
    known: dict[str, Any] = {
        "kind": Kind.RETRY, "tenant": "acme", "user": "ada", "subject": earlier.id, "generation": 2, "pass_": 5,
        "due": a.NOON, "delivery": earlier,
    }  # fmt: skip
    return Record(**(known | changes))


def retried(**changes: Any) -> Decision:
    asked = a.routing_input(**({"channel": Channel.EMAIL, "step": "notify"} | changes))
    return a.decision(asked, retry())


def test_a_delivery_carries_what_was_decided() -> None:
    effects = after(a.decision(a.routing_input(notification=a.notification(traceparent="00-ab-cd-01"))))
    sent = {output.topic: output for output in effects.outputs}
    output = sent["carillon.deliveries.email.v1"]
    assert output.key == b"acme:ada"
    assert output.headers == [("traceparent", b"00-ab-cd-01")]
    found = decode_delivery(output.value)
    assert (found.id, found.address, found.decided_at, found.profile_version, found.attempts) == (
        ids.delivery_id(a.ID, "notify", "email", "default"), "ada@example.com", a.NOON, 7, 0,
    )  # fmt: skip
    assert (found.generation, found.pass_) == (0, 0)
    assert len(effects.outputs) == 4
    assert not effects.holds
    assert not effects.closings


def test_urgent_goes_by_the_express_lane_where_there_is_one() -> None:
    effects = after(a.decision(a.routing_input(notification=a.notification(priority=Priority.URGENT))))
    assert [output.topic for output in effects.outputs] == [
        "carillon.deliveries.in_app.v1", "carillon.deliveries.email.express.v1",
        "carillon.deliveries.webhook.express.v1", "carillon.statuses.v1",
    ]  # fmt: skip


def test_a_retry_keeps_attempts_endpoint_and_id() -> None:
    found = decode_delivery(after(retried()).outputs[0].value)
    assert (found.id, found.attempts, found.endpoint, found.generation, found.pass_) == (
        retry().subject, 3, "phone-2", 2, 5,
    )  # fmt: skip
    assert found.first_failed_at == a.NOON - 90_000


def test_a_retry_that_is_held_stays_the_same_delivery_one_pass_on() -> None:
    effects = after(retried(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT))
    (hold,) = effects.holds
    assert hold.record == msgspec.structs.replace(retry(), pass_=6, due=a.MORNING)
    assert effects.closings == []
    assert told(effects.outputs)[0][0] == "carillon.delivery.held"


@pytest.mark.parametrize(
    ("changes", "closed"),
    [
        ({"notification": a.notification(expires_at=a.NOON)}, DeliveryState.EXPIRED),
        ({"notification": a.notification(cancellation_key="k"), "cancel_count": 1}, DeliveryState.CANCELLED),
        ({"workflow": None}, DeliveryState.SUPPRESSED),
        ({"profile": None}, DeliveryState.SUPPRESSED),
    ],
)
def test_the_row_of_a_delivery_that_ends_is_closed(changes: dict[str, Any], closed: DeliveryState) -> None:
    effects = after(retried(**changes))
    (closing,) = effects.closings
    assert (closing.delivery, closing.generation, closing.pass_, closing.result.state) == (
        retry().subject,
        2,
        5,
        closed,
    )
    assert closing.result.attempts == 3
    assert closed.is_terminal
    ((type_, _),) = told(effects.outputs)
    assert type_ == f"carillon.delivery.{closed}"


def test_a_notification_without_a_row_closes_none() -> None:
    assert after(a.decision(a.routing_input(workflow=None))).closings == []


def test_passes_only_grow_and_no_hold_meets_another() -> None:
    record, seen, passes = None, set(), []
    night = a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT)
    for _ in range(5):
        (hold,) = after(a.decision(night, record)).holds
        record = hold.record
        assert record == decode_record(encode(record))
        assert record.subject == ids.step_id(a.ID, "notify", "email")
        seen.add(hold.id)
        passes.append(record.pass_)
        night = msgspec.structs.replace(night, channel=Channel.EMAIL, step="notify")
    assert passes == [1, 2, 3, 4, 5]
    assert len(seen) == 5


@given(questions())
def test_a_replay_repeats_everything_to_the_letter(asked: RoutingInput) -> None:
    first = a.decision(asked)
    row = copy.deepcopy(decision_row(first))
    other = msgspec.structs.replace(
        first, items=(Suppress(reason=Reason.EXPIRED, rule="expiry"),), at=1, profile_version=0
    )  # type: ignore[arg-type]  # a plain word
    again = replayed(other, row)
    assert again is not None
    assert after(again) == after(first)
    assert len(told(after(first).outputs)) == 1, "one status for each decision"
    for hold in after(first).holds:
        assert hold.record.pass_ == first.record.pass_ + 1


def test_other_coordinates_are_a_duplicate() -> None:
    asked = a.routing_input()
    assert replayed(a.decision(asked, offset=6), decision_row(a.decision(asked, offset=5))) is None


def test_statuses_tell_no_address() -> None:
    for asked in (a.routing_input(), a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT)):
        ((_, body),) = told(after(a.decision(asked)).outputs)
        assert "example.com/a" not in str(body)
        assert "ada@" not in str(body)


def test_one_word_for_a_decision() -> None:
    go = Deliver(channel=Channel.EMAIL, step="notify", address="x")
    wait = HoldUntil(reason=Reason.QUIET_HOURS, rule="quiet_hours", cause="quiet_hours", due=1)  # type: ignore[arg-type]  # plain words
    no = Suppress(reason=Reason.NO_ADDRESS, rule="address")  # type: ignore[arg-type]  # a plain word
    late = Suppress(reason=Reason.EXPIRED, rule="expiry")  # type: ignore[arg-type]  # a plain word
    gone = Suppress(reason=Reason.CANCELLED, rule="cancel")  # type: ignore[arg-type]  # a plain word
    assert state((no, wait, go)) is NotificationState.ROUTED
    assert state((no, wait)) is NotificationState.HELD
    assert state((no, no)) is NotificationState.SUPPRESSED
    assert state((late,)) is NotificationState.EXPIRED
    assert state((gone,)) is NotificationState.CANCELLED
    assert state((late, no)) is NotificationState.SUPPRESSED


def test_a_delivery_says_the_recipients_language_and_zone() -> None:
    known = a.profile(name="Ada", locale="de-AT", zone="Europe/Vienna")
    outputs = after(a.decision(a.routing_input(profile=known))).outputs
    (mail,) = (output for output in outputs if output.topic == TOPICS.deliveries(Channel.EMAIL))
    delivery = decode_delivery(mail.value or b"")
    assert (delivery.name, delivery.locale, delivery.zone) == ("Ada", "de-AT", "Europe/Vienna")
