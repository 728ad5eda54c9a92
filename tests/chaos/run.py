"""One run: the product, its load, its clients, and the verdict over all of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp

from shared.model.attempts import AttemptOutcome
from tests.chaos.checker import Verdict, check
from tests.chaos.clients import Clients
from tests.chaos.evidence import Gathering
from tests.chaos.load import Load
from tests.chaos.people import OTHER, OTHERS
from tests.chaos.senders import Sender
from tests.chaos.tables import Evidence
from tests.support.env import Harness
from tests.support.wait import until

TELLS_DOUBLES = {"CARILLON_SMS_PROVIDERS": "vonage"}
"""Twilio has no field for the delivery's id: what came twice could not be told from what went to two."""


SLOTS = 64
"""Of a lane: so many may be under way when its worker is killed."""
SOON = timedelta(seconds=100)
"""What is due by then is waited for: the end of quiet hours, or the next try."""


class Run:
    """What a test of this folder works with."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.load = Load(harness=harness)
        self.clients = Clients(harness)
        self.sender = Sender(harness)
        self._gathering = Gathering(harness, self.load.people.addresses, self.clients, lambda: self.sender.effects)

    async def verdict(self) -> Verdict:
        """Over what stands there now."""
        accepted = dict(self.load.accepted)
        return check(accepted, await self.evidence())

    async def evidence(self) -> Evidence:
        """What stands there now."""
        return await self._gathering.now()

    async def settled(self, *, without_sockets: bool = False, seconds: float = 240) -> Verdict:
        """The verdict once nothing waits: no hold, nothing in the outbox, every accepted notification at its end.

        `without_sockets`: nobody serves them, what was not sent to them yet is not waited for. `seconds`: how long at most.
        """

        waiting: object = None

        async def ended() -> Verdict | None:
            nonlocal waiting
            async with self.harness.database() as database:
                holds = Counter([(row["cause"], row.get("account")) async for row in database.holds.find()])
                accounts = [row async for row in database.provider_accounts.find()] if holds else []
                outbox = await database.outbox.count_documents({})
            if holds or outbox:
                waiting = {"holds": dict(holds), "outbox": outbox, "accounts": accounts}
                return None
            found = await self.verdict()
            waiting = found.summary()
            unseen = found.unseen and not without_sockets
            return None if found.unterminated or found.lost or unseen else found

        try:
            return await until(ended, what="every accepted notification at its end", timeout=seconds, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; {waiting}") from None

    async def at_rest(self) -> Verdict:
        """The verdict once nothing happens any more, whatever is missing: for longer than any lease, with nothing due soon."""
        leases = [int(value) for name, value in self.harness.env().items() if name.endswith("LEASE_SECONDS")]
        rest, since = max(leases) + 1, time.monotonic()
        before: object = None

        async def unchanged() -> Evidence | None:
            nonlocal since, before
            found = await self.evidence()
            async with self.harness.database() as database:
                now = (await database.command("hello"))["localTime"]
                soon = {"due": {"$gt": now, "$lt": now + SOON}}
                due = await database.holds.count_documents(soon)
                waiting = [await database[name].count_documents({}) for name in ("holds", "outbox")]
            so_far = (len(found.statuses), len(found.effects), len(found.frames), *waiting)
            if so_far != before or due:
                since, before = time.monotonic(), so_far
            return found if time.monotonic() - since > rest else None

        found = await until(unchanged, what="nothing happens any more", timeout=180, every=0.2)
        return check(dict(self.load.accepted), found)

    async def gauge(self, label: str, name: str) -> float:
        """The value of a metric without labels, in the service of this label."""
        async with aiohttp.ClientSession() as http:
            port = self.harness.services[label].health_port
            async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
                lines = (await response.text()).splitlines()
        return next(float(line.split(" ")[1]) for line in lines if line.startswith(f"{name} "))

    async def taken_over(self) -> set[str]:
        """Deliveries over which a worker died, or whose provider did not answer: those may have been sent already."""
        silent = [{f"{log}.outcome": AttemptOutcome.UNCONFIRMED} for log in ("attempt_log", "last_attempts")]
        async with self.harness.database() as database:
            found = database.deliveries.find({"$or": [{"maybe_sent": True}, *silent]}, {"_id": 1})
            return {row["_id"] async for row in found}

    async def ends_of(self, deliveries: Iterable[str]) -> dict[str, str]:
        """What the ledger has of them, for whoever has to find out."""
        async with self.harness.database() as database:
            found = database.deliveries.find({"_id": {"$in": list(deliveries)}})
            return {row["_id"]: f"{row['state']} {row.get('result')} {row.get('maybe_sent')}" async for row in found}

    async def erased(self) -> None:
        """Until nothing but ids is stored of those who were deleted; there is somebody who was."""
        assert self.load.counts["deleted"], "somebody was deleted"

        async def nothing() -> bool:
            return not await self._leftovers()

        await until(nothing, what="everything of the deleted erased")

    async def _leftovers(self) -> list[str]:
        found = []
        async with self.harness.database() as database:
            async for profile in database.profiles.find({"life.number": {"$gt": 0}}):
                earlier = {"$or": [{"life": None}, {"life": {"$lt": profile["life"]["number"]}}]}
                theirs = {"tenant": profile["tenant"], "user": profile["user"], **earlier}
                found += [f"inbox {row['_id']}" async for row in database.inbox.find(theirs)]
                told = {"items": {"$elemMatch": {"address": {"$nin": [None, ""]}}}}
                found += [f"decision {row['_id']}" async for row in database.decisions.find(theirs | told)]
        return found


@asynccontextmanager
async def begun(harness: Harness) -> AsyncIterator[Run]:
    """A run on a product that is up: its people are there, and connected where there is a gateway."""
    run = Run(harness)
    await run.load.people.settle_in()
    run.sender.begin(run.load.people.keys["default"])
    try:
        if "gateway" in harness.services:
            users = [f"default:u{number}" for number in range(OTHERS)] + [
                f"{OTHER}:u{number}" for number in range(OTHERS)
            ]
            await run.clients.connect(*users)
        yield run
    finally:
        await run.clients.close()
        await run.sender.close()
