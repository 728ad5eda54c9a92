"""One chain's turn in the end-to-end benchmark: loads, from the first request to the last frame."""

from __future__ import annotations

import asyncio
from itertools import count

import msgspec

from bench import paced_load, socket_clients
from bench.chains import Case, Chain, Running, Way
from bench.machine import cpu_seconds
from bench.run import say
from bench.talker import Talker, talker

SOCKETS = 1_000
RUNG_EVENTS = 200
"""At the low rates a rung lasts until there are enough events for a p99."""
RUNG_SECONDS = 1.5
RUNG_LIMIT_SECONDS = 30
PATIENCE_SECONDS = 15


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One case of one run. Times in milliseconds; processor time of everything but the load per delivered event."""

    p50: float
    p99: float
    cpu_us: float
    missed: int
    """Events that were not answered with 202, or came too late to be waited for: the rate was not held."""
    lost: int
    doubled: int
    answered_p50: float = 0.0
    """Until the request was answered."""
    answered_p99: float = 0.0


class Turn:
    """One chain's turn: its loads, numbered through."""

    def __init__(self, chain: Chain, run: Running, clients: Talker, key: str, sockets: int = SOCKETS) -> None:
        self._chain = chain
        self._sockets = sockets
        self._run = run
        self._clients = clients
        self._key = key
        self._numbers = count()

    async def once(self, case: Case, seconds: float, limit: float) -> Measured:
        """One load from its first request to its last frame."""
        load, pids = next(self._numbers), self._run.pids
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        async with talker("bench.paced_load") as client:
            sent = await client.ask(self._plan(case, seconds, load), paced_load.Report)
        question = socket_clients.Question(load=load, expect=sent.accepted, patience=PATIENCE_SECONDS, limit=limit)
        came = await self._clients.ask(question, socket_clients.Report)
        self._run.check()
        used = {name: (cpu_seconds(pid) - before[name]) / max(1, came.distinct) * 1e6 for name, pid in pids.items()}
        doubled, parts = came.received - came.distinct, ", ".join(f"{name} {value:.0f}" for name, value in used.items())
        say(f"{self._chain.name:>5}, {case.what}: p50 {came.p50:.1f}, p99 {came.p99:.1f}, worst {came.worst:.1f} ms,"
            f" answered p50 {sent.p50:.1f}, p99 {sent.p99:.1f} ms, lost {came.lost}, doubled {doubled}, late {came.late}, refused {sent.refused}, sockets closed {came.closed},"
            f" sent in {sent.seconds:.1f} s; µs of CPU per event: {parts},"
            f" load client {sent.cpu_us / case.each:.0f}, sockets client {came.cpu_us:.0f}")  # fmt: skip
        return Measured(
            p50=came.p50,
            p99=came.p99,
            cpu_us=sum(used.values()),
            missed=sent.refused * case.each + came.late,
            lost=came.lost,
            doubled=doubled,
            answered_p50=sent.p50,
            answered_p99=sent.p99,
        )

    async def rung(self, rate: int) -> Measured:
        """A short load of single notifications."""
        seconds = max(RUNG_SECONDS, RUNG_EVENTS / rate)
        return await self.once(Case(Way.NOTIFICATIONS, rate), seconds, RUNG_LIMIT_SECONDS)

    async def idle(self) -> None:
        """Tells what the chain costs while nothing happens: at low rates that is most of it."""
        pids = self._run.pids
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        await asyncio.sleep(2)
        used = (f"{name} {(cpu_seconds(pid) - before[name]) / 2:.0%}" for name, pid in pids.items())
        say(f"{self._chain.name:>5}: {self._sockets:,} sockets and nothing to do, of one core: {', '.join(used)}")

    def _plan(self, case: Case, seconds: float, load: int) -> paced_load.Plan:
        """The load client's orders."""
        media = "application/json"
        if case.way is Way.EVENTS:
            media = f"application/cloudevents{'-batch' if case.each > 1 else ''}+json"
        return paced_load.Plan(
            port=self._run.http,
            path=case.way,
            content_type=media,
            authorization=f"Bearer {self._key}",
            item=self._chain.items[case.way],
            each=case.each,
            rate=case.rate / case.each,
            seconds=seconds,
            users=self._sockets,
            first=load * socket_clients.NUMBERS_EACH,
        )
