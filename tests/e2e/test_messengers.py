"""WhatsApp and Telegram all the way: a profile's addresses, a workflow's templates, what the providers get and say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from sandbox.sink.providers.telegram import SUPERGROUP, UPGRADED
from tests.chaos.evidence import named_by
from tests.e2e.scene import Scene
from tests.e2e.test_catalog_reload import push
from tests.support.env import Harness

FLOW = """\
key: order.messenger
category: orders
steps:
  - {key: chats, channels: [whatsapp, telegram]}
  - {key: one, channels: [telegram, in_app], deliver: first}
templates:
  in_app: {title: "Order {{ data.order }}"}
  whatsapp:
    template: order_shipped
    language: {en: en_US, de: de}
    parameters: ["{{ data.order }}", {en: today, de: heute}]
  telegram:
    text: {en: "<b>{{ data.order }}</b> is on its way", de: "<b>{{ data.order }}</b> ist unterwegs"}
    parse_mode: HTML
"""


async def messages(harness: Harness, kind: str, to: str) -> list[dict[str, Any]]:
    found = await harness.call("GET", f"/messages?kind={kind}&to={to}".replace("+", "%2B"), service="sink")
    return list(found["messages"])


async def test_messengers_are_channels_like_the_others(harness: Harness, tmp_path: Path) -> None:
    await harness.start("sink", "ingest", "router", "scheduler", "delivery", "console")
    scene = Scene(harness)
    await asyncio.to_thread(push, harness.names, tmp_path / "flow.yaml", FLOW)
    ada = await scene.person("ada", addresses={"phone": "+4915112345678", "telegram": "4711"}, locale="de-AT")
    group = await scene.person("group", addresses={"phone": "+4915112345679", "telegram": "-4712"})

    (sent,) = await scene.send(ada, workflow="order.messenger", data={"order": "A<7"})
    ended = await scene.ends(sent)
    assert (ended["whatsapp"], ended["telegram"]) == ("sent", "sent")
    (whatsapp,) = await messages(harness, "whatsapp", "+4915112345678")
    assert whatsapp["text"] == "order_shipped | de | A<7 | heute"
    async with harness.database() as database:
        row = await database.deliveries.find_one({"notification": sent, "channel": "whatsapp"})
    assert row is not None
    assert named_by(whatsapp["envelope"]["biz_opaque_callback_data"]) == row["_id"]
    first, second = await messages(harness, "telegram", "4711")
    assert first["html"] == second["html"] == "<b>A&lt;7</b> ist unterwegs"

    # A group that moved, and a number that nobody has: one goes on, the other is a dead letter.
    faults = {
        "telegram": {"mode": "status", "status": 400, "code": UPGRADED, "only": "-4712"},
        "meta": {"mode": "status", "status": 400, "code": "131026", "only": "+4915112345679"},
    }
    await harness.call("PUT", "/faults", service="sink", json={"providers": faults})
    (sent,) = await scene.send(group, workflow="order.messenger", data={"order": "8"})
    ended = await scene.ends(sent)
    assert (ended["whatsapp"], ended["telegram"]) == ("dead: dead_address", "sent")
    assert len(await messages(harness, "telegram", str(SUPERGROUP))) == 2

    # Who blocked the bot gets it elsewhere, where the step says so; an inline person has a chat, too.
    faults = {"telegram": {"mode": "status", "status": 403, "code": "bot was blocked by the user", "only": "4711"}}
    await harness.call("PUT", "/faults", service="sink", json={"providers": faults})
    (sent,) = await scene.send(ada, workflow="order.messenger", data={"order": "9"})
    assert (await scene.ends(sent))["in_app"] == "sent"
    name = f"@shop_{uuid4().hex[:8]}"
    await scene.ends((await scene.send({"telegram": name}, workflow="order.messenger", data={"order": "10"}))[0])
    assert [each["html"] for each in await messages(harness, "telegram", name)] == ["<b>10</b> is on its way"] * 2
