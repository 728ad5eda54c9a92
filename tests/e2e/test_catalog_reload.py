"""A workflow of several steps that changes while it runs: no restart, and nothing under way changes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sandbox.process import ROOT
from tests.e2e.scene import Scene
from tests.support.env import Harness, Names
from tests.support.wait import until

FIRST = """\
key: order.follow_up
category: orders
on: [com.example.follow.*]
when: {data.total: {gte: 100}}
recipients: data.members[*].id
schema: {type: object, required: [total], properties: {total: {type: integer}}}
steps:
  - {key: inbox, channels: [in_app]}
  - {key: wait, kind: delay, seconds: 8}
  - {key: mail, channels: [email]}
templates:
  in_app: {title: "{{ data.total }}"}
  email: {subject: "{{ data.total }}", text: Look}
"""
SECOND = FIRST.replace("channels: [email]", "channels: [webhook]").replace("seconds: 8", "seconds: 1")


def push(names: Names, file: Path, text: str) -> None:
    file.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "carillon", "catalog", "push", str(file)],
        cwd=ROOT,
        env=dict(os.environ) | names.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def event(name: str, total: object, *users: str) -> dict[str, object]:
    members = [{"id": user} for user in users]
    return {
        "specversion": "1.0", "id": name, "source": "/shop", "type": "com.example.follow.up",
        "data": {"total": total, "members": members},
    }  # fmt: skip


async def test_what_is_pushed_is_taken_up_and_what_is_under_way_keeps_its_version(
    harness: Harness, tmp_path: Path
) -> None:
    await harness.start("sink", "ingest", "router", "scheduler", "delivery", "console")
    scene = Scene(harness)
    ada, bob = await scene.person("ada"), await scene.person("bob")
    file = tmp_path / "flow.yaml"
    await asyncio.to_thread(push, harness.names, file, FIRST)

    # The first version: the services have been running all the time.
    sent: list[str] = await scene.send(ada, workflow="order.follow_up", data={"total": 1})

    async def started() -> str | None:
        """An event that the new workflow starts, once the router knows it; each time another one."""
        accepted = await harness.call("POST", "/v1/events", json=event(os.urandom(8).hex(), 100, bob))

        async def expanded() -> dict | None:
            url = harness.url("console") + f"/v1/events/{accepted['ids'][0]}"
            async with harness.client() as http, http.get(url) as response:
                return await response.json() if response.status == 200 else None

        found = await until(expanded, what="the event")
        return found["notifications"][0]["id"] if found["notifications"] else None

    by_event = await until(started, what="an event that starts it")

    # The second one while both wait: it changes neither.
    await asyncio.to_thread(push, harness.names, file, SECOND)

    async def newer() -> str | None:
        (name,) = await scene.send(ada, workflow="order.follow_up", data={"total": 2})
        ended = await scene.ends(name)
        return name if "webhook" in ended else None

    assert await until(newer, what="the second version", timeout=60)
    for one in (*sent, by_event):
        assert await scene.ends(one) == {"in_app": "sent", "email": "sent"}

    # Its schema and its condition count at the edge and on the topic.
    refused = await harness.call("POST", "/v1/events", json=event("bad", 100.5, bob), expect=422)
    assert refused["code"] == "invalid_data"
    assert refused["errors"][0]["pointer"] == "/data/total"
    small = await harness.call("POST", "/v1/events", json=event("small", 1, bob))

    async def passed_over() -> dict | None:
        url = harness.url("console") + f"/v1/events/{small['ids'][0]}"
        async with harness.client() as http, http.get(url) as response:
            return await response.json() if response.status == 200 else None

    report = await until(passed_over, what="the event that it does not want")
    assert (report["state"], report["reason"], report["notifications"]) == ("expanded", "condition", [])
    assert "data.total" in report["detail"]
