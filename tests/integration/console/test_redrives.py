"""Dead letters on the real thing: found, redriven at once and again, and in a job whose console is killed: each once."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.process.failpoints import Failpoint
from tests.integration.console.test_cli import run
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.wait import until

PEOPLE = 200
PER_SECOND = 100
FLOW = {
    "key": "letter",
    "category": "tests",
    "steps": [{"key": "tell", "channels": ["email"]}],
    "templates": {"email": {"subject": "Hello {{ data.name }}", "text": "Hello"}},
}


@pytest.fixture
async def product(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Harness]:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "letter.yaml").write_text(yaml.safe_dump(FLOW))
    made = Harness(await lay(shared_brokers, catalog), tmp_path)
    try:
        yield made
    finally:
        made.kill()


async def ask(product: Harness, method: str, path: str, expect: int | None = None, **body: Any) -> Any:
    more = {"json": body} if body else {}
    return await product.call(method, path, service="console", expect=expect, **more)


async def letters(product: Harness, state: str = "open") -> list[dict[str, Any]]:
    return (await ask(product, "GET", f"/v1/dead-letters?limit=500&state={state}"))["dead_letters"]


async def received(product: Harness) -> Counter[str]:
    found = await product.call("GET", "/messages?kind=email&limit=1000", service="sink")
    return Counter(name.partition("@")[0] for message in found["messages"] for name in message["to"])


async def die(product: Harness, *names: str) -> list[dict[str, Any]]:
    """Mails to these that their provider says never to; their dead letters."""
    await product.call("PUT", "/faults", service="sink", json={"email": {"mode": "reject", "enhanced": "5.2.1"}})
    for begin in range(0, len(names), 100):
        people = [{"email": f"{name}@example.com"} for name in names[begin : begin + 100]]
        body = {"workflow": "letter", "recipients": people, "data": {"name": "you"}}
        await product.call("POST", "/v1/notifications", json=body)

    async def all_dead() -> list[dict[str, Any]]:
        found = await letters(product)
        return found if len(found) == len(names) else []

    found = await until(all_dead, what=f"{len(names)} dead letters")
    await product.call("DELETE", "/faults", service="sink")
    return found


async def has(product: Harness, names: list[str]) -> None:
    async def got() -> bool:
        return set(await received(product)) >= set(names)

    await until(got, what=f"{len(names)} mails")


@pytest.mark.timeout(240)
async def test_each_letter_is_sent_once_through_repeats_and_a_kill_in_the_middle(product: Harness) -> None:
    await product.start("sink", "ingest", "router", "delivery", "console", CARILLON_SMS_TIMEOUT_SECONDS="2")
    (letter,) = await die(product, "ada")
    group = (await ask(product, "GET", "/v1/dead-letters/groups?channel=email"))["groups"]
    assert [(each["reason"], each["count"]) for each in group] == [("rejected", 1)]
    place = f"/v1/dead-letters/{letter['id']}"
    shown = await ask(product, "GET", place)
    assert shown["payload"]["address"] == "ada@example.com"
    assert "ada@example.com" not in json.dumps(shown["letter"])
    planned = await ask(product, "POST", f"{place}/redrive", 200, dry_run=True)
    assert planned["letter"]["state"] == "open"
    changed = {"data": {"name": "Ada"}}
    await asyncio.gather(*(ask(product, "POST", f"{place}/redrive", 202, **changed) for _ in range(3)))
    await has(product, ["ada"])
    again = await ask(product, "POST", f"{place}/redrive", 202, **changed)
    assert again["redrive"]["generation"] == 1
    refused = await ask(product, "POST", f"{place}/redrive", 409, data={"name": "Bea"})
    assert refused["code"] == "dead_letter_redriven"
    said = await until(lambda: told(product, letter["notification"], "It was sent by email"), what="why says it")
    assert "Somebody sent its dead letter again" in said

    names = [f"n-{number}" for number in range(PEOPLE)]
    await die(product, *names)
    product.services["console"].kill()
    product.spawn("console", CARILLON_FAILPOINT=f"{Failpoint.AFTER_PRODUCE}:4")
    await product.start_spawned("console")
    job = await ask(
        product, "POST", "/v1/dead-letters/redrive", 202, filter={"channel": "email"}, per_second=PER_SECOND
    )
    assert job["wanted"] == PEOPLE
    child = product.services["console"].child

    async def died() -> bool:
        return not child.alive

    await until(died, what="the console dies behind a page that is on the log")
    assert child.returncode == -signal.SIGKILL
    await product.revive("console")
    await product.start_spawned("console")
    between = await ask(product, "GET", f"/v1/redrives/{job['id']}")
    assert 0 < between["redriven"] < PEOPLE, "control: it was killed in the middle"

    async def done() -> dict[str, Any]:
        found = await ask(product, "GET", f"/v1/redrives/{job['id']}")
        return found if found["state"] == "done" else {}

    ended = await until(done, what="the job goes on in the next console")
    assert (ended["redriven"], ended["expired"], ended["not_whole"]) == (PEOPLE, 0, 0)
    await has(product, names)
    for every in await letters(product, "redriven"):
        await ask(product, "POST", f"/v1/dead-letters/{every['id']}/redrive", 202, force=True)
    (last,) = await die(product, "last")
    printed = await run(product, "dlq", "redrive", last["id"])
    assert "generation 1" in printed
    await has(product, ["last"])
    assert await received(product) == Counter(["ada", *names, "last"]), "each of them once"
    deeds = Counter(entry["action"] for entry in (await ask(product, "GET", "/v1/audit"))["entries"])
    assert deeds == Counter(dead_letter_redriven=2, dead_letter_edited=1, redrive_started=1)


async def told(product: Harness, notification: str, words: str) -> str:
    found = await ask(product, "GET", f"/v1/notifications/{notification}/why")
    text = " ".join(sentence["text"] for sentence in found["sentences"])
    return text if words in text else ""
