"""One run: the product, its load, its clients, and the verdict over all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.chaos.checker import Verdict, check
from tests.chaos.clients import Clients
from tests.chaos.evidence import Gathering
from tests.chaos.load import Load
from tests.chaos.people import OTHER, OTHERS
from tests.chaos.tables import Evidence
from tests.support.env import Harness
from tests.support.wait import until

TELLS_DOUBLES = {"CARILLON_SMS_PROVIDERS": "vonage"}
"""Twilio has no field for the delivery's id: what came twice could not be told from what went to two."""


class Run:
    """What a test of this folder works with."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.load = Load(harness=harness)
        self.clients = Clients(harness)
        self._gathering = Gathering(harness, self.load.people.addresses, self.clients)

    async def verdict(self) -> Verdict:
        """Over what stands there now."""
        accepted = dict(self.load.accepted)
        return check(accepted, await self.evidence())

    async def evidence(self) -> Evidence:
        """What stands there now."""
        return await self._gathering.now()

    async def settled(self, *, without_sockets: bool = False) -> Verdict:
        """The verdict once nothing waits: no hold, nothing in the outbox, every accepted notification at its end.

        `without_sockets`: nobody serves them, what was not sent to them yet is not waited for.
        """

        waiting: object = None

        async def ended() -> Verdict | None:
            nonlocal waiting
            async with self.harness.database() as database:
                waiting = [await database[name].count_documents({}) for name in ("holds", "outbox")]
            if any(waiting):
                return None
            found = await self.verdict()
            waiting = found.summary()
            unseen = found.unseen and not without_sockets
            return None if found.unterminated or found.lost or unseen else found

        try:
            return await until(ended, what="every accepted notification at its end", timeout=240, every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; {waiting}") from None

    async def gauge(self, label: str, name: str) -> float:
        """The value of a metric without labels, in the service of this label."""
        async with aiohttp.ClientSession() as http:
            port = self.harness.services[label].health_port
            async with http.get(f"http://127.0.0.1:{port}/metrics") as response:
                lines = (await response.text()).splitlines()
        return next(float(line.split(" ")[1]) for line in lines if line.startswith(f"{name} "))

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
    try:
        if "gateway" in harness.services:
            users = [f"default:u{number}" for number in range(OTHERS)] + [
                f"{OTHER}:u{number}" for number in range(OTHERS)
            ]
            await run.clients.connect(*users)
        yield run
    finally:
        await run.clients.close()
