"""An opt-out counts from the moment its call answered: a thousand of them race what is accepted right after, by five ways."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import pytest

from shared.catalog.publishing import publish
from shared.kafka.consumer import open_consumer, start_consumer
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.owners import address_ids
from shared.model.records import decode_delivery
from shared.model.steps import ChannelStep
from shared.model.timestamps import rfc3339
from shared.model.unsubscribing import UnsubscribeLink, sign
from shared.process.clock import now_ms
from tests.integration.router.routers import Routers
from tests.integration.router.stage import Reader
from tests.support import samples as a
from tests.support.env import Harness
from tests.support.wait import until

PEOPLE: Final = 1_000
AT_ONCE: Final = 16
CACHE_HITS: Final = 'carillon_profile_cache_total{result="hit"}'
SECRET: Final = "secret-of-unsubscribe-links"
WORKFLOW = a.workflow(
    key="race", version=0, category="race", steps=(ChannelStep(key="notify", channels=(Channel.EMAIL,)),)
)


@dataclass
class Race:
    """The edges, and what the routers made for the e-mail lane."""

    harness: Harness
    routers: Routers
    http: aiohttp.ClientSession
    sent: Counter[str] = field(default_factory=Counter)
    """By address what was asked for."""

    async def ask(self, method: str, service: str, path: str, **more: Any) -> None:
        async with self.http.request(method, self.harness.url(service) + path, **more) as answer:
            assert answer.status < 300, (path, answer.status, await answer.text())

    async def notify(self, *people: str | dict[str, str]) -> None:
        """Returns when it is accepted for them all."""
        body = {"workflow": "race", "recipients": people, "data": {"order": "A7"}}
        await self.ask("POST", "ingest", "/v1/notifications", json=body)
        self.sent.update(one if isinstance(one, str) else one["email"].partition("@")[0] for one in people)

    async def until_decided(self) -> None:
        """Until each notification is decided."""

        async def all_of_them() -> bool:
            return await database.decisions.count_documents({}) >= self.sent.total()

        async with self.harness.database() as database:
            await until(all_of_them, what=f"{self.sent.total()} decisions")

    async def delivered(self) -> Counter[str]:
        """By who they are for, the different deliveries of the lane."""
        made = [decode_delivery(record.value) for record in await self.routers.lane.more()]
        names = {delivery.id: delivery.address.partition("@")[0] for delivery in made}
        return Counter(names.values())

    async def reasons(self) -> dict[str, set[str]]:
        """By user why decisions sent nothing."""
        found: dict[str, set[str]] = defaultdict(set)
        async with self.harness.database() as database:
            async for row in database.decisions.find({"items.type": "suppress"}, {"user": 1, "items.reason": 1}):
                found[row["user"]].update(item["reason"] for item in row["items"])
        return found


@asynccontextmanager
async def racing(harness: Harness, *known: str) -> AsyncIterator[Race]:
    """Two edges and two routers, ready; `known` people have a profile each."""
    names = harness.names
    publisher = Publisher(names.brokers.kafka, client_id="tests")
    rows = [
        {
            "_id": f"default:{user}", "tenant": "default", "user": user, "version": 1,
            "addresses": {"email": mail(user)}, "address_ids": address_ids({"email": mail(user)}),
        }
        for user in known
    ]  # fmt: skip
    async with harness.database() as database:
        await publish(database, publisher, names.topics, "default", [WORKFLOW])
        await database.profiles.insert_many(rows)
    await publisher.stop()
    email = names.topics.deliveries(Channel.EMAIL)
    lane = Reader(open_consumer(names.brokers.kafka, email, group=None, client_id="tests"))
    await start_consumer(lane.consumer)
    routers = Routers(harness, lane)
    harness.spawn("ingest")
    harness.spawn("gateway", CARILLON_UNSUBSCRIBE_SECRET=SECRET)
    for label in ("one", "two"):
        harness.spawn("router", label)
    try:
        await harness.start_spawned("ingest", "gateway", "one", "two")
        async with harness.client() as http:
            yield Race(harness, routers, http)
    finally:
        await lane.consumer.stop()


def mail(user: str) -> str:
    return f"{user}@example.com"


async def by_preference(race: Race, user: str) -> None:
    body = {"preferences": {"categories": {"race": False}}}
    await race.ask("PATCH", "ingest", f"/v1/users/{user}", json=body)


async def by_mute(race: Race, user: str) -> None:
    headers = {"authorization": f"Bearer {race.harness.token(user)}"}
    body = {"until": rfc3339(now_ms() + a.DAY)}
    await race.ask("PUT", "gateway", "/api/v1/notifications/preferences/mute", json=body, headers=headers)


async def by_list(race: Race, user: str) -> None:
    await race.ask("PUT", "ingest", "/v1/suppressions", json={"kind": "email", "address": mail(user).upper()})


async def by_click(race: Race, user: str) -> None:
    link = UnsubscribeLink(tenant="default", user=user, category="race", delivery="d")
    path = f"/u/{sign(link, SECRET.encode())}"
    await race.ask("POST", "gateway", path, data={"List-Unsubscribe": "One-Click"}, headers={"authorization": ""})


async def by_click_without_an_account(race: Race, user: str) -> None:
    (address,) = address_ids({"email": mail(user)})
    link = UnsubscribeLink(tenant="default", address=address, category="race", delivery="d")
    path = f"/u/{sign(link, SECRET.encode())}"
    await race.ask("POST", "gateway", path, data={"List-Unsubscribe": "One-Click"}, headers={"authorization": ""})


WAYS: Final[dict[Callable[[Race, str], Awaitable[None]], str]] = {
    by_preference: "category_opted_out",
    by_mute: "muted",
    by_list: "address_suppressed",
    by_click: "category_opted_out",
    by_click_without_an_account: "address_suppressed",
}
LEAVERS, STAYERS = ([f"{kind}{number}" for number in range(PEOPLE)] for kind in ("leaver", "stayer"))
WAY_OF = {user: list(WAYS)[number % len(WAYS)] for number, user in enumerate(LEAVERS)}
"""Who has no account leaves by the last way, and is named by their address each time."""


def named(user: str) -> str | dict[str, str]:
    return {"email": mail(user)} if WAY_OF.get(user) is by_click_without_an_account else user


@pytest.mark.timeout(240)
async def test_nothing_accepted_after_an_opt_out_is_sent_and_all_else_is(harness: Harness) -> None:
    known = [user for user in (*LEAVERS, *STAYERS) if isinstance(named(user), str)]
    async with racing(harness, *known) as race:
        for start in range(0, PEOPLE, 50):
            await race.notify(*map(named, LEAVERS[start : start + 50]), *STAYERS[start : start + 50])
        await race.until_decided()  # the routers have all profiles in memory from here on
        warm = await hits(race)
        waiting = iter(list(zip(LEAVERS, STAYERS, strict=True)))
        done = 0
        joined, left = asyncio.Event(), asyncio.Event()

        async def leave() -> None:
            nonlocal done
            for leaver, stayer in waiting:
                if done >= PEOPLE // 2:  # so that some come during each rebalance, and some after it
                    await joined.wait()
                if done >= PEOPLE * 7 // 8:
                    await left.wait()
                await WAY_OF[leaver](race, leaver)
                await race.notify(named(leaver), stayer)
                done += 1

        async def rebalance() -> None:
            await until(_reached(lambda: done >= PEOPLE // 4), what="a quarter of the opt-outs")
            race.harness.spawn("router", "three")
            await race.harness.start_spawned("three")
            joined.set()
            await until(_reached(lambda: done >= PEOPLE * 3 // 4), what="three quarters of the opt-outs")
            assert await asyncio.to_thread(race.routers.stop, "two") == 0
            left.set()

        await asyncio.gather(rebalance(), *(leave() for _ in range(AT_ONCE)))
        await race.until_decided()

        async def controls() -> bool:
            found = await race.delivered()
            return all(found[user] == 2 for user in STAYERS)

        await until(controls, what="all that goes to who stays")
        found = await race.delivered()
        assert {user: found[user] for user in LEAVERS if found[user] != 1} == {}, "what was accepted before, no more"
        reasons = await race.reasons()
        by_name = {user: reasons[user] for user in known if user in WAY_OF}
        assert by_name == {user: {WAYS[WAY_OF[user]]} for user in by_name}
        assert await hits(race) > warm, "what was in memory was used"
        assert await race.routers.metric("one", "carillon_assignments_total") >= 2


async def hits(race: Race) -> float:
    """How often the first router knew a profile already."""
    lines = (await race.routers.page("one", "metrics")).decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(CACHE_HITS))


def _reached(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return condition()

    return look
