"""Notifications with explicit recipients: send, and cancel by key."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.calls import Answer
from services.ingest.cancelling import Canceller
from services.ingest.dry_run import DryRuns, is_dry_run, refuse_dry_run
from services.ingest.idempotency import Requests
from services.ingest.models.body import read
from services.ingest.models.dry_runs import DryRunAnswer
from services.ingest.models.notifications import AcceptedNotifications, Cancelled, CancelRequest, SendRequest, read_send
from services.ingest.openapi import DRY_RUN, IDEMPOTENCY_KEY, TRACEPARENT, operation
from services.ingest.sending import NotificationSender
from shared.http.direct_route import DirectRoute
from shared.http.json_bodies import parse_json
from shared.http.openapi import json_of
from shared.model.trace_context import traceparent
from shared.mongo.api_keys import Scope
from shared.process.clock import now_ms


def notification_routes(
    *,
    admission: Admission,
    requests: Requests,
    sender: NotificationSender,
    canceller: Canceller,
    dry_runs: DryRuns,
) -> APIRouter:
    """`POST /v1/notifications` and `POST /v1/notifications/cancel`."""
    routes = APIRouter(prefix="/v1/notifications", tags=["notifications"], route_class=DirectRoute)

    @routes.post(
        "",
        **operation(
            "sendNotifications",
            "Notify users, inline people, or an audience",
            answer=(202, AcceptedNotifications),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(SendRequest),
            headers=(IDEMPOTENCY_KEY, TRACEPARENT, DRY_RUN),
            instead=(200, DryRunAnswer),
        ),
    )
    async def send(request: Request) -> Response:
        """202 when every notification is durable; 200 with what would happen, of a dry run."""
        call = await admission.post(request, Scope.SEND)
        value = parse_json(call.raw)
        call = call.decoded(value)
        if request.scope["query_string"] and is_dry_run(request):
            now = now_ms()
            return (await dry_runs.answer(call, read_send(value, now), now=now)).respond()
        trace = traceparent(request.headers.get("traceparent"))

        async def act() -> Answer:
            now = now_ms()
            return await sender.send(call, read_send(value, now), trace=trace, now=now)

        return await requests.once(call, act)

    @routes.post(
        "/cancel",
        **operation(
            "cancelNotifications",
            "Cancel what was accepted with a cancellation key and is not sent yet, or take it out of inboxes as well",
            answer=(202, Cancelled),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(CancelRequest),
            headers=(IDEMPOTENCY_KEY,),
        ),
    )
    async def cancel(request: Request) -> Response:
        """202 when everything accepted with the key so far will end as cancelled unless it was sent already.

        With `withdraw` it leaves the inboxes of its recipients as well.
        """
        call = await admission.post(request, Scope.SEND)
        refuse_dry_run(request)
        value = parse_json(call.raw)
        call = call.decoded(value)

        async def act() -> Answer:
            return await canceller.cancel(call.caller, read(CancelRequest, value))

        return await requests.once(call, act)

    return routes
