"""What providers tell afterwards, over the running product: delivered, bounced, and then nothing more is sent there."""

from __future__ import annotations

from random import randrange
from typing import Any

import pytest

from tests.e2e.run_workflows import flow, publish_flows
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

TEXT = flow(
    "receipts.text",
    {"key": "tell", "channels": ["sms"]},
    templates={"sms": {"text": "Your code is {{ data.n }}"}},
)
MAIL = flow("receipts.mail", {"key": "tell", "channels": ["email"]})


class Phone:
    """One user with a phone, and what the providers' side of the sink got for it."""

    def __init__(self, product: Harness, user: str, number: str) -> None:
        self.scene, self.product = Scene(product), product
        self.user, self.number = user, number

    async def send(self) -> tuple[str, dict[str, Any] | None]:
        """A notification that has ended, and its message; None: there is none."""
        before = len(await self.messages())
        (notification,) = await self.scene.send(self.user, workflow="receipts.text", data={"n": 7})
        await self.scene.ends(notification)
        new = (await self.messages())[before:]
        return notification, new[0] if new else None

    async def messages(self) -> list[dict[str, Any]]:
        found = await self.product.call("GET", "/messages", service="sink", params={"kind": "sms", "to": self.number})
        return list(found["messages"])

    async def call_back(self, message: dict[str, Any], status: str, code: str | None = None) -> int:
        """What ingest answers when the message's provider tells this."""
        body = {"message": message["n"], "status": status, "code": code}
        path = f"/callbacks/{message['envelope']['provider']}"
        answer = await self.product.call("POST", path, service="sink", json=body)
        return int(answer["status"])

    async def state(self, notification: str, wanted: str) -> dict[str, Any]:
        async def reached() -> dict[str, Any] | None:
            path = f"/v1/notifications/{notification}/timeline"
            found: dict[str, Any] = await self.product.call("GET", path, service="console")
            return found if [one["state"] for one in found["channels"]] == [wanted] else None

        return await until(reached, what=f"{notification} {wanted}", timeout=60)

    async def suppressions(self) -> list[tuple[str, str]]:
        about = {"kind": "phone", "address": self.number}
        found = await self.product.call("GET", "/v1/suppressions", params=about)
        return [(entry["reason"], entry["by"]) for entry in found["entries"]]


@pytest.fixture
async def phone(product: Harness) -> Phone:
    await publish_flows(product, TEXT, MAIL)
    number = f"+49151{randrange(10**8):08}"
    scene = Scene(product)
    user = await scene.person("texts", addresses={"phone": number})
    return Phone(product, user, number)


async def test_delivered_then_bounced_and_then_nothing_more_is_sent(phone: Phone) -> None:
    first, message = await phone.send()
    assert message is not None
    assert await phone.call_back(message, "delivered") == 204
    timeline = await phone.state(first, "delivered")
    (delivery,) = timeline["deliveries"]
    assert delivery["state"] == "delivered"
    (attempt,) = delivery["log"]
    assert attempt["account"] == f"sms/{message['envelope']['provider']}"
    assert (attempt["outcome"], attempt["latency_ms"] >= 0) == ("sent", True)
    (sent,) = [entry for entry in timeline["entries"] if entry["state"] == "sent"]
    assert sent["detail"]["provider"] == attempt["account"]
    why = await phone.product.call("GET", f"/v1/notifications/{first}/why", service="console")
    assert why["sentences"][-1]["text"].startswith("By sms it has arrived, says ")

    second, message = await phone.send()
    assert message is not None
    dead = {"twilio": ("undelivered", "30005"), "vonage": ("failed", "3")}[message["envelope"]["provider"]]
    for _ in range(2):
        assert await phone.call_back(message, *dead) == 204
    await phone.state(second, "bounced")
    assert await phone.call_back(message, "delivered") == 204
    assert await phone.suppressions() == [("bounced", f"sms/{message['envelope']['provider']}")]

    third, message = await phone.send()
    assert message is None
    assert await phone.scene.ends(third) == {"sms": "suppressed: address_suppressed"}
    await phone.state(second, "bounced")

    about = {"kind": "phone", "address": phone.number}
    await phone.product.call("DELETE", "/v1/suppressions", params=about)
    _, message = await phone.send()
    assert message is not None, "the operator has lifted it"


async def test_a_mailbox_that_is_not_there_gets_no_second_mail(phone: Phone) -> None:
    user = await phone.scene.person("gone")
    address = f"{user}@example.com"
    plan = {"email": {"mode": "reject", "only": address}}
    await phone.product.call("PUT", "/faults", service="sink", json=plan)
    try:
        (first,) = await phone.scene.send(user, workflow="receipts.mail")
        assert await phone.scene.ends(first) == {"email": "dead: dead_address"}
    finally:
        await phone.product.call("DELETE", "/faults", service="sink")
    about = {"kind": "email", "address": address}

    async def listed() -> list[dict[str, str]]:
        return list((await phone.product.call("GET", "/v1/suppressions", params=about))["entries"])

    (entry,) = await until(listed, what="the entry", timeout=20)
    assert (entry["reason"], entry["by"]) == ("bounced", "email/smtp")
    (second,) = await phone.scene.send(user, workflow="receipts.mail")
    assert await phone.scene.ends(second) == {"email": "suppressed: address_suppressed"}
    assert await phone.scene.messages("email", user) == []


async def test_who_was_not_given_the_address_cannot_call(phone: Phone) -> None:
    _, message = await phone.send()
    assert message is not None
    for path in ("/v1/callbacks/twilio/x", "/v1/callbacks/nobody", "/v1/callbacks/sendgrid", "/v1/callbacks/vonage"):
        answer = await phone.product.call("POST", path, expect=403, json={"status": "failed", "err-code": "3"})
        assert answer["code"] == "forged_callback"
    assert await phone.suppressions() == []
