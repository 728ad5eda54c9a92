"""Ingest, broken: what an answer promises, and what is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

import msgspec
from fastapi.responses import Response

from services.ingest import relay, sending
from services.ingest.acceptance import Acceptance
from services.ingest.calls import Call, Caller
from services.ingest.core.durability import Durability
from services.ingest.idempotency import Act, Requests
from shared.model import expansion
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.profiles import Profile
from shared.model.pull import PullReport, ReportAnswer
from shared.model.workflows import Workflow
from shared.mongo import profiles
from shared.mongo.pull_senders import PullTaking
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import ANSWERS_LOST, CALM, CHANGING, INGEST_DIES, KAFKA_SILENT, Scene

SECONDS: Final = 2.0


def answered_ahead() -> None:
    durable, writing = Acceptance._durable, set[asyncio.Task[Any]]()

    async def soon(self: Acceptance, caller: Caller, outputs: Iterable[Output]) -> Durability:
        async def write() -> None:
            await asyncio.sleep(SECONDS)
            await durable(self, caller, outputs)

        writing.add(asyncio.create_task(write()))
        return Durability.LOG

    replace(Acceptance, "_durable", soon)


def never_relayed() -> None:
    async def relay_once(*_: object) -> int:
        return 0

    replace(relay, "relay_once", relay_once)


def repeated_call_done_again() -> None:
    async def again(self: Requests, call: Call, act: Act) -> Response:
        return (await act()).respond()

    def call_name(call: Call) -> str:
        return uuid4().hex

    replace(Requests, "once", again)
    replace(sending, "call_name", call_name)


def _change_expansion(**changes: object) -> None:
    expand = expansion.expand

    def changed(request: expansion.Request, workflow: Workflow) -> list[Notification]:
        return [msgspec.structs.replace(each, **changes) for each in expand(request, workflow)]

    replace(expansion, "expand", changed)


def tenants_mixed_up() -> None:
    _change_expansion(tenant="default")


def times_left_out() -> None:
    _change_expansion(deliver_at=None)


def changes_not_told() -> None:
    write = profiles.write

    class Silent:
        async def publish(self, outputs: list[Output]) -> None:
            """Nobody is told."""

    async def untold(database: Any, writer: object, topics: Any, **more: Any) -> Profile:
        return await write(database, Silent(), topics, **more)

    replace(profiles, "write", untold)


def reports_dropped() -> None:
    async def report(self: PullTaking, tenant: str, delivery: str, token: str, report: PullReport) -> ReportAnswer:
        return ReportAnswer.RECORDED

    replace(PullTaking, "report", report)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM) -> Break:
    return Break(name=name, apply=apply, services=("ingest",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("202 is answered before it is durable", answered_ahead, "unterminated", scene=INGEST_DIES),
    _row("the outbox is never relayed", never_relayed, "unterminated", scene=KAFKA_SILENT),
    _row("a repeated call is done again", repeated_call_done_again, "phantom", scene=ANSWERS_LOST),
    _row("a tenant is mixed up with another", tenants_mixed_up, "leaked"),
    _row("the time of what is scheduled is left out", times_left_out, "early"),
    _row("a changed profile is not told", changes_not_told, "unwanted", scene=CHANGING),
    _row("what a sender reports is dropped", reports_dropped, "unterminated"),
)
