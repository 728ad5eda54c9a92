"""One-time codes beside a fan-out: from POST to the socket of a user who is waiting, idle and during it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import aiohttp
from websockets.asyncio.client import connect

from bench.chains import OURS, Running, running
from bench.fanout_load import NEWS, TOPIC, lay_members
from bench.run import say
from bench.stage import TENANT, TOKEN_SECRET, Stage
from shared.http import tokens
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.notifications import Priority
from shared.model.steps import ChannelStep
from shared.model.templates import InAppTemplate
from shared.model.workflows import Workflow
from shared.mongo.api_keys import Scope, create
from shared.mongo.database import open_database
from shared.process.clock import now_ms

USER = "waiting"
CODE = Workflow(
    key="bench.code",
    category="security",
    critical=True,
    priority=Priority.URGENT,
    steps=(ChannelStep(key="notify", channels=(Channel.IN_APP,)),),
    templates=Templates(in_app=InAppTemplate(title="{{ data.code }}")),
    version=1,
)
EVERY_SECONDS = 0.1
WARM_UP = 30
PATIENCE_SECONDS = 240


class Codes:
    """Sends codes and waits for each at the user's socket."""

    def __init__(self, http: aiohttp.ClientSession, run: Running) -> None:
        self._http = http
        self._run = run
        self._seen: dict[str, asyncio.Future[float]] = {}

    async def listen(self, ready: asyncio.Event) -> None:
        """Reads the socket until cancelled."""
        token = tokens.mint(TOKEN_SECRET, tenant=TENANT, user=USER, now=now_ms() // 1000, ttl_seconds=7200)
        async with connect(f"ws://127.0.0.1:{self._run.sockets}") as socket:
            await socket.send(json.dumps({"type": "auth", "token": token}))
            async for raw in socket:
                told = json.loads(raw)
                if told["type"] == "hello":
                    ready.set()
                elif told["type"] == "notification":
                    self._at(told["item"]["title"]).set_result(time.perf_counter())

    async def send(self, code: str) -> float:
        """Milliseconds from before the POST until the code is read."""
        begun = time.perf_counter()
        await self.post({"workflow": CODE.key, "recipients": [USER], "data": {"code": code}})
        return (await asyncio.wait_for(self._at(code), PATIENCE_SECONDS) - begun) * 1000

    async def post(self, body: object) -> dict[str, list[str]]:
        async with self._http.post(f"http://127.0.0.1:{self._run.http}/v1/notifications", json=body) as answer:
            answer.raise_for_status()
            found: dict[str, list[str]] = await answer.json()
            return found

    async def state(self, fanout: str) -> str:
        async with self._http.get(f"http://127.0.0.1:{self._run.http}/v1/fanouts/{fanout}") as answer:
            return str((await answer.json())["state"])

    async def several(self, name: str, go_on: Callable[[int], Awaitable[bool]]) -> list[float]:
        """A code now and then, at its own pace, as long as there is something to measure."""
        sent: list[asyncio.Task[float]] = []
        while await go_on(len(sent)):
            sent.append(asyncio.create_task(self.send(f"{name}-{len(sent)}")))
            await asyncio.sleep(EVERY_SECONDS)
        return list(await asyncio.gather(*sent))

    def _at(self, code: str) -> asyncio.Future[float]:
        if code not in self._seen:
            self._seen[code] = asyncio.get_running_loop().create_future()
        return self._seen[code]


async def codes(stage: Stage, members: int, idle: int) -> tuple[list[float], list[float], float]:
    """Latencies in milliseconds of `idle` codes alone, of those during a fan-out, and how long that took in seconds."""
    names = await stage.lay(NEWS, CODE)
    await lay_members(names, members, with_profiles=True)
    async with open_database(names.mongo, names.prefix) as database:
        profile = {"_id": f"{TENANT}:{USER}", "tenant": TENANT, "user": USER, "version": 1}
        await database.profiles.insert_one(profile)
        key = await create(database, tenant=TENANT, scopes=frozenset({Scope.SEND}), name="bench")
    headers = {"authorization": f"Bearer {key}"}
    async with running(stage, names, OURS) as run, aiohttp.ClientSession(headers=headers) as http:
        both = Codes(http, run)
        ready = asyncio.Event()
        listening = asyncio.create_task(both.listen(ready))
        await ready.wait()

        async def so_many(sent: int) -> bool:
            return sent < WARM_UP + idle

        alone = (await both.several("idle", so_many))[WARM_UP:]
        [fanout] = (await both.post({"workflow": NEWS.key, "recipients": {"topic": TOPIC}, "data": {"title": "N"}}))[
            "fanouts"
        ]
        begun = time.monotonic()

        async def runs(_: int) -> bool:
            run.check()
            return await both.state(fanout) == "running" and time.monotonic() - begun < PATIENCE_SECONDS

        during = await both.several("during", runs)
        seconds = time.monotonic() - begun
        listening.cancel()
    await stage.clear(names)
    say(f"{len(alone)} codes alone, {len(during)} during a fan-out to {members:,} in {seconds:.1f} s")
    return alone, during, seconds
