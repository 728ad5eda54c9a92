"""Plays a scene with a product that is whole or broken, and says what the checker finds."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from dataclasses import replace

from shared.process.clock import now_ms
from tests.chaos.breaks.audience import send_to_subscribers
from tests.chaos.breaks.breaking import Break
from tests.chaos.breaks.minds import opt_out_once_decided
from tests.chaos.breaks.scenes import Scene
from tests.chaos.checker import Verdict
from tests.chaos.run import TELLS_DOUBLES, Run, begun
from tests.support.broken_services import broken
from tests.support.env import Harness
from tests.support.wait import until

COUNT, PER_SECOND = 120, 60
"""Enough for a throttle to have somebody whom it stops."""
MINUTE_MS, LEAD_MS = 60_000, 8_000


class Stage:
    """One scene; every process of a broken service is broken, however often it is started."""

    def __init__(self, harness: Harness, scene: Scene, wrong: Break | None = None) -> None:
        self._harness = harness
        self._scene = scene
        self._broken: defaultdict[str, list[str]] = defaultdict(list)
        for service in wrong.services if wrong is not None else ():
            self._broken[service].append(wrong.full_name)
        for service, trouble in scene.trouble.items():  # around what is broken, which it meets, too
            self._broken[service].append(trouble)

    async def play(self) -> Verdict:
        """The verdict once all is accepted, everybody is there again, and nothing happens any more.

        Without what was sent twice because its worker died over it: the ledger knows of each, as it should.
        """
        harness, scene = self._harness, self._scene
        harness.more = TELLS_DOUBLES
        absent = {scene.dies and scene.dies[0], scene.late} - {None}
        for name in scene.services:
            if name not in absent:
                self._spawn(name)
        if scene.twin is not None:
            self._spawn(scene.twin, label=f"{scene.twin}-2")
        await harness.start_spawned()
        async with begun(harness) as run:
            await self._load(run)
            for name in absent:
                await self._started(name)
            found = await run.at_rest()
            in_the_window = await run.taken_over()
            return replace(found, doubled=[who for who in found.doubled if who not in in_the_window])

    async def _load(self, run: Run) -> None:
        """Until all is accepted, and dead who is to die."""
        scene = self._scene
        webhooks = {"mode": "status", "status": 503, "times": scene.failures}
        await self._harness.call("PUT", "/faults", service="sink", json={"webhook": webhooks})
        if scene.quiet:
            run.load.quiet_until = ((now_ms() + LEAD_MS) // MINUTE_MS + 1) * MINUTE_MS
        dying, failpoint = scene.dies or ("", "")
        if dying:
            await self._started(dying, CARILLON_FAILPOINT=failpoint)
        async with asyncio.TaskGroup() as group:
            group.create_task(run.load.send(COUNT, per_second=PER_SECOND))
            if scene.audience:
                await send_to_subscribers(run)
            if scene.change:
                await opt_out_once_decided(run)
            if scene.killed is not None:
                await self._kill_halfway(run, scene.killed)
                await self._started(scene.killed)
            elif dying and not failpoint:
                await self._kill_halfway(run, dying)
        if dying:
            await self._until_dead(dying)
            await until_due(run)

    def ended(self) -> list[str]:
        """Services that run no more."""
        return [name for name, service in self._harness.services.items() if service.pid is None]

    async def _kill_halfway(self, run: Run, name: str) -> None:
        async def halfway() -> bool:
            return run.load.done >= COUNT // 2

        await until(halfway, what="half of the load accepted")
        self._harness.services[name].kill()

    async def _until_dead(self, name: str) -> None:
        service = self._harness.services[name]

        async def dead() -> bool:
            return service.pid is None

        await until(dead, what=f"{name} dies at its failpoint", timeout=120)
        assert service.child.returncode == -signal.SIGKILL, service.child.tail()

    async def _started(self, name: str, **extra: str) -> None:
        self._spawn(name, **extra)
        await self._harness.services[name].ready(90)

    def _spawn(self, name: str, label: str | None = None, **extra: str) -> None:
        self._harness.spawn(name, label, **broken(self._broken[name]), **extra)


async def until_due(run: Run) -> None:
    """Until the time of all that was scheduled has come: who decides it anew decides otherwise."""
    latest = max(about.not_before for about in run.load.accepted.values())

    async def due() -> bool:
        return now_ms() > latest

    await until(due, what="everything due that was scheduled")
