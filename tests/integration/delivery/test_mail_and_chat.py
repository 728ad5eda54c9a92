"""E-mail whose mail server is down goes out by SendGrid; chat reaches each webhook, whose URL nothing tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.free_ports import free_ports
from tests.chaos.evidence import read_topic
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.wait import until

TEXTS: dict[str, dict[str, str]] = {
    "email": {"subject": "Order {{ data.order }}", "text": "Text", "html": "<b>Html</b>"},
    "chat": {"text": "Order {{ data.order }}", "title": "Shipped"},
}
SECRET = "T0SECRET"  # what is looked for in all that is told


def workflows(folder: Path) -> Path:
    folder.mkdir()
    for channel, texts in TEXTS.items():
        document = {
            "key": f"tests.{channel}",
            "category": "tests",
            "steps": [{"key": "notify", "channels": [channel]}],
            "templates": {channel: texts},
        }
        (folder / f"{channel}.yaml").write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture
async def product(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Harness]:
    made = Harness(await lay(shared_brokers, workflows(tmp_path / "catalog")), tmp_path)
    (nobody,) = free_ports(1)
    try:
        await made.start("sink", "ingest", "router")
        await made.start(
            "delivery",
            CARILLON_DELIVERY_CHANNELS="email,chat",
            CARILLON_EMAIL_PROVIDERS="smtp,sendgrid",
            CARILLON_SMTP_PORT=str(nobody),
            CARILLON_CHAT_ALLOW="127.0.0.0/8",
        )
        yield made
    finally:
        made.kill()


async def send(product: Harness, channel: str, *people: str | dict[str, str]) -> None:
    call = {"workflow": f"tests.{channel}", "recipients": list(people), "data": {"order": "<A7>"}}
    await product.call("POST", "/v1/notifications", json=call)


async def test_each_reaches_its_place(product: Harness) -> None:
    def url(name: str) -> str:
        return f"{product.url('sink')}/slack/services/{SECRET}-{name}"

    gone = {"mode": "status", "status": 404, "code": "no_service", "only": f"{SECRET}-gone"}
    await product.call("PUT", "/faults", service="sink", json={"providers": {"slack": gone}})
    refused = await product.call("PUT", "/v1/users/ana", json={"addresses": {"chat": "http://x.example/s"}}, expect=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/addresses/chat"]
    await product.call("PUT", "/v1/users/ana", json={"addresses": {"chat": url("ana")}})
    await product.call("PUT", "/v1/users/bo", json={"addresses": {"chat": url("gone")}})
    await send(product, "chat", "ana", "bo", {"chat": url("inline")})
    await send(product, "email", {"email": "eve@example.com"})

    async def states() -> Counter[tuple[str, str]] | None:
        async with product.database() as database:
            found = Counter([(row["channel"], row["state"]) async for row in database.deliveries.find({})])
        done = sum(count for (_, state), count in found.items() if state in ("sent", "dead"))
        return found if done == 4 else None

    wanted = {("chat", "sent"): 2, ("chat", "dead"): 1, ("email", "sent"): 1}
    assert await until(states, what="all of them sent, or dead") == wanted
    found: list[Any] = (await product.call("GET", "/messages", service="sink"))["messages"]
    taken = {(message["kind"], message["to"][0]): message for message in found}
    assert taken.keys() == {("chat", f"{SECRET}-ana"), ("chat", f"{SECRET}-inline"), ("email", "eve@example.com")}
    assert taken["chat", f"{SECRET}-ana"]["text"] == "*Shipped*\nOrder &lt;A7&gt;"
    mail = taken["email", "eve@example.com"]
    assert (mail["envelope"]["provider"], mail["subject"], mail["html"]) == ("sendgrid", "Order <A7>", "<b>Html</b>")

    async def told() -> bool:
        found = await read_topic(product.names.brokers.kafka, product.names.topics.statuses)
        assert not [each for each in found if SECRET.encode() in (each.value or b"")]
        return any(("ce_type", b"carillon.endpoint.disabled") in each.headers for each in found)

    await until(told, what="that an endpoint was disabled")
    assert not [name for name in ("ingest", "router", "delivery") if SECRET in product.log(name)]
