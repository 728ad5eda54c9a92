"""What ingest meets in some scenes, whether it is broken or not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from typing import Final

from fastapi.responses import Response

from services.ingest import acceptance
from services.ingest.acceptance import Acceptance
from services.ingest.calls import Call, Caller
from services.ingest.core.durability import Durability
from services.ingest.idempotency import Act, Requests
from shared.http.problems import Problem
from shared.model.outputs import Output
from tests.chaos.breaks.breaking import Break, replace


def without_kafka() -> None:
    durable, numbers = Acceptance._durable, count()

    async def by_the_outbox(self: Acceptance, caller: Caller, outputs: Iterable[Output]) -> Durability:
        if next(numbers) % 3:
            return await durable(self, caller, outputs)
        await acceptance._write(self._outbox, outputs, time.monotonic())
        return Durability.OUTBOX

    replace(Acceptance, "_durable", by_the_outbox)


def without_answer() -> None:
    once, answered = Requests.once, set[str | None]()

    async def unheard(self: Requests, call: Call, act: Act) -> Response:
        answer = await once(self, call, act)
        if call.key not in answered:
            answered.add(call.key)
            raise Problem(503, "lost", "the answer is lost on the way", fix="Repeat the call.")
        return answer

    replace(Requests, "once", unheard)


BREAKS: Final = tuple(
    Break(name=name, apply=trouble, services=("ingest",), shows=frozenset())
    for name, trouble in {
        "every third write finds no Kafka": without_kafka,
        "the first answer to a call is lost": without_answer,
    }.items()
)
