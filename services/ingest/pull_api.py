"""The producer's own sender: it takes what is due under a lease, and says what became of it."""

from __future__ import annotations

from typing import Final

import pymongo
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.idempotency import parse_key
from services.ingest.models.body import M, check_size, read
from services.ingest.models.pull import (
    ExtendedLease,
    ExtendRequest,
    FailedReport,
    KeptReport,
    SentReport,
    TakenDeliveries,
    TakeRequest,
    shown,
)
from services.ingest.openapi import IDEMPOTENCY_KEY, operation
from services.ingest.pulling import Pulling
from shared.deciding.changed_inputs import ChangedInputs
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model.pull import PullReport, PullSenders, ReportAnswer, ReportKind
from shared.model.timestamps import rfc3339
from shared.mongo.api_keys import Scope
from shared.process.clock import now_ms

PREFIX: Final = "/v1/pull/deliveries"
ANSWER_SECONDS: Final = 1.5
MAX_VALUES: Final = 20
MAX_REPORT: Final = 4096
_REFUSALS: Final = (400, 404, 409, 413, 415, 422)


def pull_routes(*, admission: Admission, senders: PullSenders, inputs: ChangedInputs) -> APIRouter:
    """`/v1/pull/deliveries`. A report counts as long as nothing has followed the end of its lease."""
    routes = APIRouter(prefix=PREFIX, tags=["pull"])
    pulling = Pulling(senders, inputs)

    async def asked(request: Request, model: type[M]) -> tuple[str, M]:
        """The caller's tenant and the body."""
        caller = await admission.caller(request, Scope.PULL)
        require_json(request)
        value = parse_json(await read_body(request, MAX_REPORT))
        check_size(value, MAX_VALUES)
        return caller.tenant, read(model, value)

    async def report(tenant: str, delivery: str, token: str, said: PullReport) -> Response:
        with pymongo.timeout(ANSWER_SECONDS):
            answer = await senders.report(tenant, delivery, token, said)
        _check(delivery, answer)
        reported = "sent" if said.kind is ReportKind.SENT else "failed"
        return json_answer({"id": delivery, "reported": reported})

    @routes.post(
        "/take",
        **operation(
            "takeDeliveries",
            "Take deliveries of the channel pull under a lease",
            answer=(200, TakenDeliveries),
            refusals=(400, 413, 415, 422),
            body=json_of(TakeRequest),
            headers=(IDEMPOTENCY_KEY,),
        ),
    )
    async def take(request: Request) -> Response:
        """200 with what nobody else gets until the lease ends; what changed since it was decided is not among it."""
        tenant, wanted = await asked(request, TakeRequest)
        key = parse_key(request.headers.get("idempotency-key"))
        with pymongo.timeout(ANSWER_SECONDS):
            taken = await pulling.take(
                tenant, workflow=wanted.workflow, most=wanted.most, lease_seconds=wanted.lease_seconds, key=key
            )
        return json_answer({"deliveries": [shown(each) for each in taken]})

    @routes.post(
        "/{delivery}/sent",
        **operation(
            "reportSent",
            "A delivery that was taken was sent",
            answer=(200, KeptReport),
            refusals=_REFUSALS,
            body=json_of(SentReport),
        ),
    )
    async def sent(request: Request, delivery: str) -> Response:
        """200 when it is durable; the same again is answered the same."""
        tenant, said = await asked(request, SentReport)
        return await report(
            tenant, delivery, said.token, PullReport(kind=ReportKind.SENT, at=now_ms(), code=said.receipt)
        )

    @routes.post(
        "/{delivery}/failed",
        **operation(
            "reportFailed",
            "A delivery that was taken was not sent",
            answer=(200, KeptReport),
            refusals=_REFUSALS,
            body=json_of(FailedReport),
        ),
    )
    async def failed(request: Request, delivery: str) -> Response:
        """200 when it is durable: it waits for its next attempt, takes its step's next channel, or is a dead letter."""
        tenant, said = await asked(request, FailedReport)
        after = None if said.retry_after_seconds is None else said.retry_after_seconds * 1000
        kind = ReportKind.FAILED if said.retryable else ReportKind.REJECTED
        known = PullReport(kind=kind, at=now_ms(), code=said.code, retry_after_ms=after)
        return await report(tenant, delivery, said.token, known)

    @routes.post(
        "/{delivery}/extend",
        **operation(
            "extendLease",
            "More time for a delivery that was taken",
            answer=(200, ExtendedLease),
            refusals=_REFUSALS,
            body=json_of(ExtendRequest),
        ),
    )
    async def extend(request: Request, delivery: str) -> Response:
        """200 with the new end."""
        tenant, wanted = await asked(request, ExtendRequest)
        with pymongo.timeout(ANSWER_SECONDS):
            until = await senders.extend(tenant, delivery, wanted.token, lease_seconds=wanted.lease_seconds)
        if isinstance(until, ReportAnswer):
            _check(delivery, until)
            raise TypeError(f"a lease that is {until}")
        return json_answer({"id": delivery, "lease_until": rfc3339(until)})

    return routes


def _check(delivery: str, answer: ReportAnswer) -> None:
    """Raises Problem where a report does not count."""
    match answer:
        case ReportAnswer.UNKNOWN:
            fix = "Use the `id` of a delivery that was taken with a key of the same tenant."
            raise Problem(404, "unknown_delivery", f"there is no delivery {delivery[:60]!r} to report on", fix=fix)
        case ReportAnswer.LEASE_LOST:
            detail = "the lease is over and the delivery has gone on, or the token is another taker's"
            fix = "Do nothing: it is taken again, or has ended. Next time extend the lease, or take fewer at once."
            raise Problem(409, "lease_lost", detail, fix=fix)
        case ReportAnswer.OTHER:
            fix = "Do nothing: the first report counts."
            raise Problem(409, "already_reported", "something else was reported before", fix=fix)
        case ReportAnswer.RECORDED | ReportAnswer.REPEATED:
            return
