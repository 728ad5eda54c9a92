"""Traffic for chaos runs: every way in, every outcome, each request repeated under its key until it is accepted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from shared.model import ids
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.support.env import Harness

USERS = 40
SHIPPED = "com.example.order.shipped.v1"
NOBODY: dict[str, Any] = {"addresses": {}}


@dataclass(kw_only=True)
class Load:
    """Sends and remembers what was accepted: notification id to the earliest permitted time (ms)."""

    harness: Harness
    accepted: dict[str, int] = field(default_factory=dict)
    outbox: int = 0
    retried: int = 0
    _sent: int = 0
    _http: aiohttp.ClientSession | None = None

    async def people(self) -> None:
        """Users with every address, some who want no e-mail, some without any address."""
        for number in range(USERS):
            user = f"u{number}"
            profile: dict[str, Any] = {
                "addresses": {
                    "email": f"{user}@example.com",
                    "webhook": self.harness.url("sink") + f"/hooks/{user}",
                },
                "zone": "UTC",
            }
            if number % 10 == 1:
                profile["preferences"] = {"channel_types": {"email": False}}
            if number % 10 == 2:
                profile = dict(NOBODY)
            await self.harness.call("PUT", f"/v1/users/{user}", json=profile)

    async def send(self, count: int, *, per_second: float) -> None:
        """`count` notifications, one event each, at about this pace; returns when all are accepted."""
        async with self.harness.client() as http:
            self._http = http
            await self._send(count, per_second)

    async def _send(self, count: int, per_second: float) -> None:
        pending: set[asyncio.Task[None]] = set()
        producer = AIOKafkaProducer(
            bootstrap_servers=self.harness.names.brokers.kafka, acks="all", enable_idempotence=True
        )
        await producer.start()
        try:
            start = asyncio.get_running_loop().time()
            for number in range(count):
                await asyncio.sleep(max(0.0, start + number / per_second - asyncio.get_running_loop().time()))
                way = (self._post, self._post, self._post, self._event, self._kafka)[number % 5]
                pending.add(asyncio.create_task(way(self._sent, producer)))
                self._sent += 1
                pending = {task for task in pending if not task.done() or task.exception()}
            await asyncio.gather(*pending)
        finally:
            await producer.stop()

    async def _post(self, number: int, _: AIOKafkaProducer) -> None:
        body: dict[str, Any] = {
            "workflow": "order.shipped",
            "recipients": [f"u{number % USERS}"],
            "data": {"order": f"A-{number}", "carrier": "DHL", "tracking_url": "https://example.com/t"},
        }
        not_before = 0
        if number % 7 == 0:
            not_before = now_ms() + 2_000
            body["deliver_at"] = rfc3339(not_before)
        answer = await self._insist("/v1/notifications", body, {})
        self.outbox += answer["durability"] == "outbox"
        for found in answer["notifications"]:
            self.accepted[found["id"]] = not_before

    async def _event(self, number: int, _: AIOKafkaProducer) -> None:
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/chaos",
            "type": SHIPPED,
            "subject": f"u{number % USERS}",
            "data": {"order": f"A-{number}", "customer_ids": [f"u{number % USERS}"], "carrier": "DHL"},
        }
        await self._insist("/v1/events", event, {"content-type": "application/cloudevents+json"})
        self._expect(number)

    async def _kafka(self, number: int, producer: AIOKafkaProducer) -> None:
        user = f"u{number % USERS}"
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", f"e-{number}".encode()),
            ("ce_source", b"/chaos"),
            ("ce_type", SHIPPED.encode()),
            ("content-type", b"application/json"),
        ]
        value = orjson.dumps({"order": f"A-{number}", "customer_ids": [user], "carrier": "DHL"})
        await producer.send_and_wait(self.harness.names.topics.events, value, key=user.encode(), headers=headers)
        self._expect(number)

    def _expect(self, number: int) -> None:
        event = ids.event_id("default", "/chaos", f"e-{number}")
        self.accepted[ids.notification_id(event, "order.shipped", f"u{number % USERS}")] = 0

    async def _insist(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        """Repeats one call under one key until it is accepted, as a careful producer does."""
        assert self._http is not None
        headers = headers | {"idempotency-key": uuid4().hex}
        while True:
            try:
                async with self._http.post(
                    self.harness.url("ingest") + path,
                    data=orjson.dumps(body),
                    headers={"content-type": "application/json"} | headers,
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as response:
                    answer = await response.json(content_type=None)
                    if response.status == 202:
                        return answer
                    assert response.status in (409, 429, 503), f"{response.status} {answer}"
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.retried += 1
            await asyncio.sleep(0.2)
