"""Notifications with explicit recipients: send, and cancel by key."""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

import orjson
import pymongo
from fastapi import Request
from fastapi.responses import Response

from services.ingest.acceptance import Acceptance, Way
from services.ingest.edge import Caller, Edge, read_json
from services.ingest.faults import InvalidFields, did_you_mean
from services.ingest.idempotency import Answer, Requests, parse_key
from services.ingest.requests import Send, parse_cancel, parse_send, traceparent
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.model import expansion, ids, records
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.api_keys import Scope
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database
from shared.mongo.holds import Holds
from shared.process.clock import now_ms

SOURCE: Final = "carillon:api"
EVENT_TYPE: Final = "carillon.api.notification"
"""The event type of what was sent by this API."""
MAX_EXPANDED: Final = 16 * 1_048_576
"""Bytes of data times recipients."""
CANCEL_SECONDS: Final = 1.5
LOOK_SECONDS: Final = 1.0
"""Between two looks at MongoDB for a workflow that is not known here."""


class NotificationsApi:
    """`POST /v1/notifications` and `POST /v1/notifications/cancel`."""

    def __init__(
        self,
        *,
        edge: Edge,
        requests: Requests,
        acceptance: Acceptance,
        catalog: Catalog,
        database: Database,
        topics: Topics,
    ) -> None:
        self._edge = edge
        self._requests = requests
        self._acceptance = acceptance
        self._catalog = catalog
        self._cancellations = Cancellations(database)
        self._holds = Holds(database)
        self._topics = topics
        self._looked_at = 0.0

    async def send(self, request: Request) -> Response:
        """202 when every notification is durable."""
        caller = await self._edge.admit(request, Scope.SEND)
        key = parse_key(request.headers.get("idempotency-key"))
        begun = time.monotonic()
        raw, body = await read_json(request)
        caller = caller.heard(begun)
        trace = traceparent(request.headers.get("traceparent"))

        async def act() -> Answer:
            now = now_ms()
            wanted = parse_send(body, now)
            workflow = await self._workflow(caller, wanted)
            return await self._accept(caller, wanted, workflow, key=key, trace=trace, now=now)

        return await self._requests.once(caller, request, raw, key, act)

    async def cancel(self, request: Request) -> Response:
        """202 when everything accepted with the key so far will end as cancelled unless it was sent already."""
        caller = await self._edge.admit(request, Scope.SEND)
        key = parse_key(request.headers.get("idempotency-key"))
        begun = time.monotonic()
        raw, body = await read_json(request)
        caller = caller.heard(begun)

        async def act() -> Answer:
            cancellation_key = parse_cancel(body)
            # The counter first: what is accepted from here on carries the new one and lives.
            with pymongo.timeout(CANCEL_SECONDS):
                count = await self._cancellations.cancel(caller.tenant, cancellation_key)
                hastened = await self._holds.hasten(caller.tenant, cancellation_key, cancel_count=count)
            return Answer(
                status=202, body=orjson.dumps({"cancellation_key": cancellation_key, "holds_cancelled": hastened})
            )

        return await self._requests.once(caller, request, raw, key, act)

    async def _workflow(self, caller: Caller, wanted: Send) -> Workflow:
        workflow = self._catalog.newest(caller.tenant, wanted.workflow)
        if workflow is None and time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = time.monotonic()
            with caller.within_preparation():
                await self._catalog.load()  # its announcement may be on the way
            workflow = self._catalog.newest(caller.tenant, wanted.workflow)
        if workflow is not None:
            return workflow
        hint = did_you_mean(wanted.workflow, self._catalog.keys(caller.tenant))
        detail = f"there is no workflow {wanted.workflow!r}{hint}"
        raise InvalidFields("unknown_workflow", detail, [("/workflow", detail)])

    async def _accept(
        self, caller: Caller, wanted: Send, workflow: Workflow, *, key: str | None, trace: str | None, now: int
    ) -> Answer:
        if len(wanted.data) * len(wanted.recipients) > MAX_EXPANDED:
            raise Problem(
                413,
                "expanded_too_large",
                f"data times recipients is more than {MAX_EXPANDED} bytes",
                fix="Send to fewer recipients at once, or put a link into data instead of the contents.",
            )
        expanded = expansion.expand(
            expansion.Request(
                tenant=caller.tenant,
                event_id=ids.event_id(caller.tenant, SOURCE, key or uuid4().hex),
                event_type=EVENT_TYPE,
                source=SOURCE,
                recipients=wanted.recipients,
                data=wanted.data,
                accepted_at=now,
                actor=wanted.actor,
                deliver_at=wanted.deliver_at,
                expires_at=wanted.expires_at,
                priority=wanted.priority,
                cancellation_key=wanted.cancellation_key,
                cancel_count=await self._count(caller, wanted.cancellation_key),
                traceparent=trace,
            ),
            workflow,
        )
        outputs = [self._output(notification) for notification in expanded]
        durability = await self._acceptance.accept(caller, Way.NOTIFICATION, outputs, len(outputs))
        first = expanded[0]
        answer = {
            "id": first.event_id,
            "notifications": [{"id": notification.id, "user": notification.user} for notification in expanded],
            "durability": durability,
        }
        location = {"Location": f"/v1/notifications/{first.id}/timeline"}
        return Answer(status=202, body=orjson.dumps(answer), headers=location)

    async def _count(self, caller: Caller, cancellation_key: str | None) -> int:
        """The key's counter, which a cancel raises. Raises MongoUnavailable: without it nothing keyed is accepted."""
        if cancellation_key is None:
            return 0
        with caller.within_preparation():
            return await self._cancellations.count(caller.tenant, cancellation_key)

    def _output(self, notification: Notification) -> Output:
        record = records.encode(records.notify(notification))
        return Output(self._topics.notifications, ids.user_key(notification.tenant, notification.user), record, [])
