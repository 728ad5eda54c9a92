"""The commands against the whole product: users, sending, watching, why."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from carillon import AsyncClient, ProblemError
from tests.support.env import Harness
from tests.support.wait import until

ROOT = Path(__file__).parents[3]


async def run(harness: Harness, *argv: str, code: int = 0) -> str:
    """What a command prints; fails unless it exits with `code`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "carillon", *argv),
        stdout=pipe,
        stderr=pipe,
        env={
            "CARILLON_URL": harness.url("ingest"),
            "CARILLON_CONSOLE_URL": harness.url("console"),
            "CARILLON_API_KEY": await harness.api_key(),
            **harness.env(),
        },
        cwd=ROOT,
        limit=2**20,
    )
    out, err = await process.communicate()
    assert process.returncode == code, f"{argv}: {process.returncode}\n{out.decode()}\n{err.decode()}"
    return (out if code == 0 else err).decode()


async def test_send_watch_and_why_show_what_really_happened(harness):
    await harness.start()
    async with AsyncClient(
        harness.url("ingest"), await harness.api_key(), console_url=harness.url("console")
    ) as carillon:
        await carillon.put_user(
            "ana", {"locale": "pt-BR", "zone": "Asia/Tokyo", "addresses": {"email": "ana@example.com"}}
        )
        assert (await carillon.get_user("ana"))["locale"] == "pt-BR"
    argv = [
        "send",
        "order.shipped",
        "--to",
        "ana",
        "--to",
        '{"email":"bo@example.com"}',
        "--watch",
        "--watch-seconds",
        "60",
    ]
    timelines = json.loads(await run(harness, *argv, "--data", '{"order":"A-1","carrier":"DHL"}', "--json"))
    assert [timeline["state"] for timeline in timelines] == ["terminal", "terminal"]
    states = [{row["channel"]: row["state"] for row in timeline["channels"]} for timeline in timelines]
    assert states == [
        {"in_app": "sent", "email": "sent", "webhook": "suppressed"},
        {"in_app": "suppressed", "email": "sent", "webhook": "suppressed"},
    ]
    text = await run(harness, "why", timelines[0]["notification"])
    for part in (
        "order.shipped v1 for ana",
        "accepted",
        "goes by email",
        "sent by email",
        "sent by in_app",
        "no address",
    ):
        assert part in text, text
    assert "ana@example.com" not in json.dumps(timelines)
    held = await run(harness, "send", "order.delayed", "--to", "ana", "--deliver-at", "+1h")
    notification = held.split()[-1]
    timeline = await until(lambda: seen(harness, notification), what="the scheduled one in the timeline")
    assert timeline["state"] == "open"
    assert [hold["cause"] for hold in timeline["holds"]] == ["scheduled"]


async def seen(harness: Harness, notification: str) -> dict:
    """The timeline once its decision is in the timeline; empty before."""
    async with AsyncClient(
        harness.url("ingest"), await harness.api_key(), console_url=harness.url("console")
    ) as carillon:
        try:
            timeline = await carillon.timeline(notification)
        except ProblemError as error:
            if error.status != 404:
                raise
            return {}
        return timeline if timeline["channels"] else {}


async def test_a_refusal_is_readable(harness):
    await harness.start("ingest", "console")
    said = await run(harness, "send", "order.shiped", "--to", "ana", code=1)
    assert "order.shiped" in said
    assert "Next:" in said
    said = await run(harness, "why", "unknown", code=1)
    assert "404 unknown_notification" in said
