"""Traffic for chaos runs: every way in, every outcome, what users and producers change meanwhile.

Each number of the load is one small case with a user of its own where it changes something; what has to hold for each
notification is remembered when it is accepted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from shared.model import ids
from shared.model.channels import Channel
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.chaos.calls import Calls
from tests.chaos.people import OTHER, OTHERS, USERS, People, refused_by
from tests.chaos.rules import FIRST, GATHERED, LIMITED, MOST, OUTWARD
from tests.chaos.tables import EVERYWHERE, Accepted
from tests.support.env import Harness

SHIPPED = "com.example.order.shipped.v1"
LATER_MS = 3_600_000
ROUND = 20
"""Numbers after which every case was there."""
GATHERERS = 3
"""Users whose notifications are gathered."""
EACH_LIMITED = 2 * MOST
"""For each user of the throttle."""


@dataclass(kw_only=True)
class Load:
    """Sends and remembers what was accepted."""

    harness: Harness
    accepted: dict[str, Accepted] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """How much of each kind there was."""
    quiet_until: int = 0
    """The end (ms, a whole minute) of the quiet hours of those who have some; 0: nobody has."""
    soon_ms: int = 2_000
    """How far ahead is scheduled what is to be sent."""
    steps: bool = True
    """Whether there are workflows of several steps in it."""
    done: int = 0
    _started: int = 0

    def __post_init__(self) -> None:
        self.people = People(harness=self.harness)
        self._calls = Calls(harness=self.harness, keys=self.people.keys, counts=self.counts)

    async def send(self, count: int, *, per_second: float) -> None:
        """`count` numbers at about this pace; returns when all of it is accepted."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.harness.names.brokers.kafka, acks="all", enable_idempotence=True
        )
        await producer.start()
        try:
            async with self._calls, asyncio.TaskGroup() as group:
                start = asyncio.get_running_loop().time()
                for number in range(count):
                    await asyncio.sleep(max(0.0, start + number / per_second - asyncio.get_running_loop().time()))
                    group.create_task(self._case(self._started, producer))
                    self._started += 1
        finally:
            await producer.stop()

    async def _case(self, number: int, producer: AIOKafkaProducer) -> None:
        cases = {
            5: self._cancelled,
            6: self._gathered,
            10: self._opted_out,
            11: self._limited,
            13: self._outward,
            15: self._deleted,
            16: self._first,
            18: self._quiet,
        }
        if not self.steps:
            cases = {place: case for place, case in cases.items() if place not in (6, 11, 13, 16)}
        ways = (self._posted, self._posted, self._posted_by_another, self._event, lambda n: self._kafka(n, producer))
        await cases.get(number % ROUND, ways[number % 5])(number)
        self.done += 1

    async def _posted(self, number: int) -> None:
        scheduled = number % 7 == 0
        not_before = now_ms() + self.soon_ms if scheduled else 0
        more = {"deliver_at": rfc3339(not_before)} if scheduled else {}
        await self._post(f"u{number % USERS}", number, not_before=not_before, refused=refused_by(number), body=more)

    async def _posted_by_another(self, number: int) -> None:
        """Another tenant, whose users have the same ids."""
        await self._post(f"u{number % OTHERS}", number, tenant=OTHER)

    async def _cancelled(self, number: int) -> None:
        """Scheduled, cancelled, scheduled again with the same key: the new one lives."""
        user, key = f"c{number}", {"cancellation_key": f"key-{number}"}
        await self._put(user)
        later = {"deliver_at": rfc3339(now_ms() + LATER_MS)}
        await self._post(user, number, refused=EVERYWHERE, not_before=1, body=later | key)
        await self._calls.insist("POST", "/v1/notifications/cancel", key)
        not_before = now_ms() + self.soon_ms
        await self._post(user, number, 1, not_before=not_before, body={"deliver_at": rfc3339(not_before)} | key)
        self.counts["cancelled"] += 1

    async def _opted_out(self, number: int) -> None:
        """Counts from its answer on. What was accepted before may be decided with it, too."""
        user, path = f"o{number}", f"/v1/users/o{number}"
        await self._put(user)
        for part, wanted in enumerate((True, False)):
            await self._calls.insist("PATCH", path, {"preferences": {"channel_types": {"email": wanted}}})
            await self._post(user, number, part, refused=frozenset() if wanted else frozenset({Channel.EMAIL}))
        self.counts["opted out"] += 1

    async def _deleted(self, number: int) -> None:
        """The user is deleted with a notification under way, and somebody else gets the id."""
        user = f"s{number}"
        await self._put(user)
        await self._post(user, number, erased=True)
        await self._calls.insist("DELETE", f"/v1/users/{user}", good={204, 404})
        await self._put(user, life=1)
        await self._post(user, number, 1, life=1)
        self.counts["deleted"] += 1

    async def _quiet(self, number: int) -> None:
        """It is quiet until a time that the run chose; or, if it chose none, not at all."""
        if not self.quiet_until:
            await self._event(number)
            return
        user = f"q{number}"
        start, end = (rfc3339(at)[11:16] for at in (self.quiet_until - LATER_MS, self.quiet_until))
        hours = {"windows": [{"from": start, "until": "24:00" if end == "00:00" else end}]}
        await self._put(user, quiet_hours=hours)
        self.counts["quiet"] += now_ms() < self.quiet_until
        await self._post(user, number, quiet_until=self.quiet_until)

    async def _gathered(self, number: int) -> None:
        """Held, then gathered with others of the same user into one mail."""
        await self._ruled(f"g{number // ROUND % GATHERERS}", number, GATHERED, gathers=True)

    async def _limited(self, number: int) -> None:
        """More for the same user than a throttle lets pass."""
        user = f"t{number // ROUND // EACH_LIMITED}"
        await self._ruled(user, number, LIMITED, throttle=user)

    async def _first(self, number: int) -> None:
        """By mail, and by webhook where the mail fails for good, as every other one does."""
        mailable = {"mailable": "yes"} if number // ROUND % 2 else {}
        await self._ruled(f"f{number}", number, FIRST, mailable, first=True)

    async def _outward(self, number: int) -> None:
        """To a telephone by two ways, to two chats, to two devices, and to the producer's own sender."""
        user = f"w{number}"
        await self._put(user, **self.people.reached(user, number))
        await self._post(user, number, body={"workflow": OUTWARD})
        self.counts[OUTWARD] += 1

    async def _ruled(
        self, user: str, number: int, workflow: str, more: dict[str, str] | None = None, **about: Any
    ) -> None:
        await self._put(user)
        await self._post(user, number, body={"workflow": workflow, "data": data(number) | (more or {})}, **about)
        self.counts[workflow] += 1

    async def _event(self, number: int) -> None:
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/chaos",
            "type": SHIPPED,
            "subject": f"u{number % USERS}",
            "data": data(number) | {"customer_ids": [f"u{number % USERS}"]},
        }
        await self._calls.insist("POST", "/v1/events", event, headers={"content-type": "application/cloudevents+json"})
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
        value = orjson.dumps(data(number) | {"customer_ids": [user]})
        await producer.send_and_wait(self.harness.names.topics.events, value, key=user.encode(), headers=headers)
        self._expect(number)

    def _expect(self, number: int) -> None:
        event = ids.event_id("default", "/chaos", f"e-{number}")
        user = f"u{number % USERS}"
        self.accepted[ids.notification_id(event, "order.shipped", user)] = Accepted(
            owner=f"default:{user}#0", mark=mark(number), refused=refused_by(number), asked=time.monotonic()
        )

    async def _put(self, user: str, *, life: int = 0, **more: Any) -> None:
        await self._calls.insist("PUT", f"/v1/users/{user}", self.people.profile(user, life=life, **more))

    async def _post(
        self,
        user: str,
        number: int,
        part: int = 0,
        *,
        tenant: str = "default",
        life: int = 0,
        body: dict[str, Any] | None = None,
        **about: Any,
    ) -> None:
        wanted = {"workflow": "order.shipped", "recipients": [user], "data": data(number, part)} | (body or {})
        asked = time.monotonic()
        answer = await self._calls.insist("POST", "/v1/notifications", wanted, tenant=tenant)
        on_the_log = answer["durability"] == "log"
        self.counts[answer["durability"]] += 1
        (found,) = answer["notifications"]
        self.accepted[found["id"]] = Accepted(
            owner=f"{tenant}:{user}#{life}",
            mark=mark(number, part),
            asked=asked,
            answered=time.monotonic() if on_the_log else None,
            **about,
        )


def mark(number: int, part: int = 0) -> str:
    """What the contents of this notification name."""
    return f"A-{number}-{part}"


def data(number: int, part: int = 0) -> dict[str, Any]:
    """The data of a case."""
    return {"order": mark(number, part), "carrier": "DHL", "tracking_url": "https://example.com/t"}
