"""A dead device leaves the profile and is told; a replay does the same again, and harms nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson
import pytest

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Rejected, Sent
from services.delivery.core.effects import derive_effects
from shared.model.channels import Channel
from shared.model.dead_devices import DeadDevice
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.devices import devices_of
from shared.model.notifications import Contact
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import Kind, decode_record
from shared.model.staging import SendMode
from tests.support import samples as a
from tests.support.wait import turns_until
from tests.unit.delivery.scenes import SOON, TOPICS, WorkerScene

pytestmark = pytest.mark.usefixtures("clock")
TOKEN = "token-of-phone"
PHONE = {"platform": "fcm", "token": TOKEN}
DEAD = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.DEAD_ADDRESS, code="UNREGISTERED")


def push(**changes: Any) -> Any:
    return a.received(**({"channel": Channel.PUSH, "address": f"fcm:{TOKEN}", "endpoint": "phone"} | changes))


@pytest.fixture
def scene() -> WorkerScene:
    found = WorkerScene(
        sender=StubSender(lambda _: Rejected(reason=Reason.DEAD_ADDRESS, code="UNREGISTERED")), channel=Channel.PUSH
    )
    found.profiles.put(a.profile(devices=(PHONE, {"platform": "apns", "token": "ab" * 32})))
    return found


def told(outputs: list[Output]) -> list[dict[str, Any]]:
    """The bodies of `carillon.device.removed`."""
    return [
        orjson.loads(each.value or b"")
        for each in outputs
        if dict(each.headers).get("ce_type") == b"carillon.device.removed"
    ]


def changed(outputs: list[Output]) -> int:
    """How often `decide` was told of the profile."""
    records = [decode_record(each.value) for each in outputs if each.topic == TOPICS.notifications]
    return sum(record.kind is Kind.PROFILE_CHANGED for record in records)


async def tokens(scene: WorkerScene) -> list[str]:
    (profile,) = (await scene.profiles.read_many(["acme:ada"])).values()
    return [each.address for each in devices_of(profile)]


async def test_it_leaves_the_profile_then_the_router_hears_of_it_then_everybody(scene: WorkerScene) -> None:
    await scene.deliver(push())
    assert await tokens(scene) == ["apns:" + "ab" * 32]
    (body,) = told(scene.publisher.written)
    assert body == body | {
        "user": "ada", "notification": a.ID, "delivery": a.delivery().id, "channel": "push", "platform": "fcm",
        "endpoint": "phone", "code": "UNREGISTERED",
    }  # fmt: skip
    assert changed(scene.publisher.written[-2:-1]) == 1
    assert told(scene.publisher.written[-1:]) == [body]
    statuses = [each.value or b"" for each in scene.publisher.written if each.topic == TOPICS.statuses]
    assert TOKEN.encode() not in b"".join(statuses)


async def test_a_replay_says_the_same_and_takes_nothing_out_twice(scene: WorkerScene) -> None:
    await scene.deliver(push())
    (profile,) = (await scene.profiles.read_many(["acme:ada"])).values()
    first = list(scene.publisher.written)
    await scene.deliver(push())
    assert scene.publisher.written == first + first
    assert (await scene.profiles.versions(["acme:ada"]))["acme:ada"] == profile.version


async def test_a_replay_leaves_a_token_alone_that_was_given_again(scene: WorkerScene) -> None:
    await scene.deliver(push())
    (profile,) = (await scene.profiles.read_many(["acme:ada"])).values()
    scene.profiles.put(a.profile(version=profile.version + 1, devices=(PHONE,)), at=a.NOON + 1)
    before = len(told(scene.publisher.written))
    await scene.deliver(push())
    assert await tokens(scene) == [f"fcm:{TOKEN}"]
    assert len(told(scene.publisher.written)) == before, "what is not so is not told"


async def test_a_crash_after_it_was_taken_out_loses_no_status(scene: WorkerScene) -> None:
    other = scene.ledger("died")
    await other.claim([push()])
    await other.record([(push().delivery, DEAD)])
    removal = derive_effects(TOPICS, push(), DEAD).removal
    assert removal is not None
    assert await scene.devices.remove(removal.dead)
    await scene.deliver(push())
    assert (len(told(scene.publisher.written)), changed(scene.publisher.written)) == (1, 1)


async def test_nobody_elses_effects_wait_for_it(scene: WorkerScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign that meets many dead devices is one tenant's own."""
    away, remove = asyncio.Event(), scene.devices.remove

    async def slow(dead: DeadDevice) -> bool:
        await away.wait()
        return await remove(dead)

    monkeypatch.setattr(scene.devices, "remove", slow)
    dead = asyncio.create_task(scene.deliver(push()))
    await turns_until(lambda: bool(scene.publisher.written), what="the first is told")
    scene.sender.outcome = lambda _: Sent()
    async with asyncio.timeout(SOON):
        await scene.deliver(push(id="another", address="fcm:another"))
    assert not dead.done()
    away.set()
    await dead
    assert len(told(scene.publisher.written)) == 1


async def test_it_is_tried_again_while_mongodb_is_unavailable(scene: WorkerScene) -> None:
    scene.devices.outages.add(2, after_effect=True)
    await scene.deliver(push())
    assert scene.devices.outages.met
    assert await tokens(scene) == ["apns:" + "ab" * 32]
    assert len(told(scene.publisher.written)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"channel": Channel.SMS, "address": "+4915112345678"},
     {"notification": a.notification(contact=Contact(addresses={"device": f"fcm:{TOKEN}"}))}],
)  # fmt: skip
def test_only_devices_of_profiles_are_taken_out(changes: dict[str, Any]) -> None:
    assert derive_effects(TOPICS, push(**changes), DEAD).removal is None


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.RENDER_FAILED, Reason.ATTEMPTS_EXHAUSTED])
def test_what_died_for_other_reasons_leaves_its_device_alone(reason: Reason) -> None:
    result = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=reason)
    assert derive_effects(TOPICS, push(), result).removal is None


def test_a_test_that_was_redirected_says_nothing_of_whom_it_was_for() -> None:
    redirected = msgspec.structs.replace(DEAD, mode=SendMode.REDIRECTED)
    mail = a.received()
    assert derive_effects(TOPICS, mail, DEAD).suppression is not None
    assert derive_effects(TOPICS, mail, redirected).suppression is None
    assert derive_effects(TOPICS, push(), redirected).removal is None
