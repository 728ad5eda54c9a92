"""The mail server is gone while mail arrives: nothing else notices, and when it is back each mail is sent once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from sandbox.free_ports import free_ports
from shared.catalog.files import read_folder
from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model.provider_accounts import AccountState
from shared.model.records import Kind, Record, decode_record
from shared.mongo.api_keys import Scope, create
from tests.chaos.evidence import read_topic
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.smtp import ScriptedSmtp, scripted_smtp
from tests.support.wait import until

TENANTS = ("default", "globex")
PRIORITIES = {"low": 2, "normal": 2, "high": 1}
"""How many requests of each, for each tenant."""
PEOPLE = 20
"""Of one request."""
MAILS = len(TENANTS) * PEOPLE * sum(PRIORITIES.values())
SLICE = 25
SETTINGS = {
    "CARILLON_LEASE_SECONDS": "30",
    "CARILLON_SMTP_TIMEOUT_SECONDS": "15",
    "CARILLON_WEBHOOK_TIMEOUT_SECONDS": "15",
    "CARILLON_PROBE_SECONDS": "0.5",
    "CARILLON_LONGEST_PROBE_SECONDS": "2",
    "CARILLON_PARKED_SLICE": str(SLICE),
}


def workflows(folder: Path) -> Path:
    """A mail of each priority, and a webhook."""
    folder.mkdir()
    for priority in PRIORITIES:
        document = {
            "key": f"mail.{priority}",
            "category": "tests",
            "priority": priority,
            "steps": [{"key": "notify", "channels": ["email"]}],
            "templates": {"email": {"subject": "Hello", "text": "Hello {{ user.id }}"}},
        }
        (folder / f"{priority}.yaml").write_text(yaml.safe_dump(document))
    hook = {"key": "hook", "category": "tests", "steps": [{"key": "notify", "channels": ["webhook"]}]}
    (folder / "hook.yaml").write_text(yaml.safe_dump(hook))
    return folder


class Outage:
    """The product without its mail server, and what can be seen of it from outside."""

    def __init__(self, product: Harness, keys: dict[str, str]) -> None:
        self.product = product
        self._keys = keys

    async def send(self, tenant: str, workflow: str, people: list[dict[str, str]]) -> None:
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {self._keys[tenant]}"}) as http:
            url = self.product.url("ingest") + "/v1/notifications"
            async with http.post(url, json={"workflow": workflow, "recipients": people, "data": {}}) as answer:
                assert answer.status == 202, await answer.text()

    async def deliveries(self, channel: str) -> list[dict[str, Any]]:
        async with self.product.database() as database:
            return await database.deliveries.find({"channel": channel}).to_list(None)

    async def states(self, channel: str) -> Counter[str]:
        wanted = [{"$match": {"channel": channel}}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        async with self.product.database() as database:
            return Counter({row["_id"]: row["count"] async for row in database.deliveries.aggregate(wanted)})

    async def account(self) -> dict[str, Any] | None:
        async with self.product.database() as database:
            return await database.provider_accounts.find_one({"_id": "email/smtp"})

    async def released(self) -> dict[int, list[Record]]:
        """What came back to `decide`, by partition in the order of the log."""
        found: dict[int, list[Record]] = defaultdict(list)
        names = self.product.names
        for each in await read_topic(names.brokers.kafka, names.topics.notifications):
            record = decode_record(each.value)
            if record.kind is Kind.RETRY:
                found[each.partition].append(record)
        return found

    async def trips(self) -> int:
        return sum(map(len, (await self.released()).values()))

    async def metric(self, name: str) -> float:
        """The sum of the worker's series that start so."""
        url = f"http://127.0.0.1:{self.product.services['delivery'].health_port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            lines = [line for line in (await answer.text()).splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture
async def outage(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Outage]:
    catalog = workflows(tmp_path / "catalog")
    names = await lay(shared_brokers, catalog)
    product = Harness(names, tmp_path)
    publisher = Publisher(shared_brokers.kafka, client_id="tests")
    async with product.database() as database:
        await publish(database, publisher, names.topics, "globex", read_folder(catalog))
        keys = {
            tenant: await create(database, tenant=tenant, scopes=frozenset(Scope), name="tests") for tenant in TENANTS
        }
    await publisher.stop()
    (elsewhere,) = free_ports(1)
    try:
        product.spawn("sink", CARILLON_SMTP_PORT=str(elsewhere))
        await asyncio.gather(
            product.services["sink"].ready(90), product.start("ingest", "router", "scheduler", "delivery", **SETTINGS)
        )
        yield Outage(product, keys)
    finally:
        product.kill()


def mailbox(tenant: str, name: str) -> dict[str, str]:
    return {"email": f"{name}@{tenant}.example"}


@pytest.mark.timeout(300)
async def test_while_the_mail_server_is_gone_only_mail_waits_and_then_each_is_sent_once(outage: Outage) -> None:
    for priority, requests in PRIORITIES.items():  # the least urgent first
        for request in range(requests):
            for tenant in TENANTS:
                people = [mailbox(tenant, f"{priority}-{request}-{number}") for number in range(PEOPLE)]
                await outage.send(tenant, f"mail.{priority}", people)

    async def all_wait() -> bool:
        return await outage.states("email") == {"parked": MAILS}

    await until(all_wait, what="each mail parked at least once")
    for tenant in TENANTS:
        hooks = [{"webhook": outage.product.url("sink") + f"/hooks/{tenant}-{number}"} for number in range(PEOPLE)]
        await outage.send(tenant, "hook", hooks)

    async def hooks_are_sent() -> bool:
        return await outage.states("webhook") == {"sent": len(TENANTS) * PEOPLE}

    await until(hooks_are_sent, what="webhooks of both tenants")

    async def has_been_probed() -> bool:
        return sum(row["pass"] for row in await outage.deliveries("email")) >= 2

    await until(has_been_probed, what="two probes of those that wait, to which nobody answered")
    assert sum((await outage.states("email")).values()) == MAILS
    assert "sent" not in await outage.states("email"), "control: no mail can have been sent"
    trips = await outage.trips()
    probes = await outage.metric('carillon_provider_account_changes_total{channel="email",state="half_open"}')
    assert trips <= probes < MAILS, "a probe passes `decide`, what waits does not"

    async with scripted_smtp(port=outage.product.ports["smtp"]) as server:

        async def all_are_sent() -> bool:
            return await outage.states("email") == {"sent": MAILS}

        await until(all_are_sent, what="all mail sent")
        await check_mail(outage, server)
    await check_release(outage)
    assert (await outage.account() or {"state": AccountState.CLOSED})["state"] == AccountState.CLOSED
    said = outage.product.log("delivery")
    assert (said.count('"account_paused"'), said.count('"account_answers"')) == (1, 1)


async def check_mail(outage: Outage, server: ScriptedSmtp) -> None:
    """Each once, under its own id, by its first attempt."""
    taken = Counter(message_from_bytes(content)["Message-ID"].strip("<>").partition("@")[0] for content in server.taken)
    rows = await outage.deliveries("email")
    assert taken == Counter(row["_id"] for row in rows), "each once"
    assert {row["attempts"] for row in rows} == {1}, "that its server was gone used up none"


async def check_release(outage: Outage) -> None:
    """The urgent first, then the old, in slices; nobody came more than once but the probes."""
    ranks, trips = set(), 0
    for records in (await outage.released()).values():
        last = {record.subject: record for record in records}
        in_order = sorted(last.values(), key=records.index)
        went = [_urgency(record) for record in in_order]
        assert went == sorted(went)
        ranks |= {rank for rank, _ in went}
        trips += len(records)
    assert len(ranks) == len(PRIORITIES), "control: there was something to put in order"
    probes = await outage.metric('carillon_provider_account_changes_total{channel="email",state="half_open"}')
    assert MAILS <= trips < MAILS + probes
    assert await outage.metric('carillon_parked_released_total{channel="email"}') == MAILS - 1, "all but the last probe"


def _urgency(record: Record) -> tuple[int, int]:
    about = record.about
    assert about is not None
    return -about.priority.rank, about.accepted_at
