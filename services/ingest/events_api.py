"""CloudEvents of any type, in every mode of the HTTP binding, to the public topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest.acceptance import Acceptance, Intake
from services.ingest.admission import Admission
from services.ingest.calls import Answer, Call, Caller
from services.ingest.core.durability import Durability
from services.ingest.data_checks import StartedWorkflows, event_faults
from services.ingest.dry_run import refuse_dry_run
from services.ingest.idempotency import Requests
from services.ingest.models.body import MAX_ERRORS, InvalidFields
from services.ingest.models.events import MAX_EVENTS, AcceptedEvents, CloudEvent, CloudEventBatch
from services.ingest.openapi import IDEMPOTENCY_KEY, TRACEPARENT, operation
from shared.http.direct_route import DirectRoute
from shared.http.json_bodies import JSON, content_type, not_json
from shared.http.openapi import json_of
from shared.model import event_codecs, ids
from shared.model.errors import InvalidEvent
from shared.model.events import ACCEPTED_AT, TEST, Event
from shared.model.outputs import Output
from shared.model.topics import PUBLIC_MAX_BYTES, Topics
from shared.model.trace_context import traceparent
from shared.mongo.api_keys import Scope
from shared.process.clock import now_ms

MAX_RECORD: Final = PUBLIC_MAX_BYTES - 4096
"""Bytes of one record on the public topic, without the broker's own."""
ReadEvents = Sequence[Event | InvalidEvent]
"""What is wrong with an event stands in its place."""
_SMALL_BODY: Final = 200_000
"""No event of a body this small can outgrow its record: numbers grow fourfold at most on their way."""
_MEDIA: Final = (event_codecs.STRUCTURED, event_codecs.BATCH, "+json")
_BINARY: Final = {"application/json": {"schema": {"description": "binary mode: the event's data"}}}


def event_routes(
    *,
    admission: Admission,
    requests: Requests,
    acceptance: Acceptance,
    catalog: StartedWorkflows,
    topics: Topics,
    kafka_tenant: str,
) -> APIRouter:
    """`POST /v1/events`. `kafka_tenant`: whom the public topic speaks for; others' events go to one of ingest's own."""
    routes = APIRouter(prefix="/v1/events", tags=["events"], route_class=DirectRoute)

    @routes.post(
        "",
        **operation(
            "acceptEvents",
            "CloudEvents 1.0: structured, batch (up to 1000, all or none) or binary (attributes as ce- headers)",
            answer=(202, AcceptedEvents),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(CloudEvent, event_codecs.STRUCTURED) | json_of(CloudEventBatch, event_codecs.BATCH) | _BINARY,
            headers=(IDEMPOTENCY_KEY, TRACEPARENT),
        ),
    )
    async def accept(request: Request) -> Response:
        """202 when every event is durable; a batch is taken whole or not at all."""
        call = await admission.post(request, Scope.SEND, *_MEDIA, may_be_empty=True)
        refuse_dry_run(request)
        topic = topics.events if call.caller.tenant == kafka_tenant else topics.accepted_events
        found, batch = read_events(request, call.raw)
        outputs = _outputs(found, call, topic, batch=batch)
        _check_data(catalog, found, call, batch=batch)

        async def act() -> Answer:
            return await _accept(acceptance, call, found, outputs)

        if call.key is not None:
            call = call.decoded(orjson.loads(call.raw or b"null"))
        return await requests.once(call, act)

    return routes


def _outputs(found: ReadEvents, call: Call, topic: str, *, batch: bool) -> list[Output]:
    """The record of each event. Raises InvalidFields with everything that is wrong with any of them."""
    trace = traceparent(call.request.headers.get("traceparent"))
    now = str(now_ms()).encode()
    faults: list[tuple[str, str]] = []
    outputs: list[Output] = []
    for position, event in enumerate(found):
        problem = event if isinstance(event, InvalidEvent) else _stamp(event, call.caller, trace)
        if problem is not None:
            faults.append(((f"/{position}" if batch else "") + (problem.pointer or ""), problem.detail))
        elif isinstance(event, Event):
            headers = event_codecs.to_kafka(event)
            headers.append((ACCEPTED_AT, now))
            outputs.append(Output(topic, event.key, event.data, headers))
    if len(call.raw) > _SMALL_BODY and not faults:
        faults = _too_large(outputs, batch=batch)
    if faults:
        detail = f"{len(faults)} of {len(found)} events are not valid; none was accepted"
        raise InvalidFields("invalid_event", detail, faults[:MAX_ERRORS])
    return outputs


def _check_data(catalog: StartedWorkflows, found: ReadEvents, call: Call, *, batch: bool) -> None:
    """Raises InvalidFields where data misses the schema of a workflow that it starts."""
    wrong: list[tuple[str, str]] = []
    for position, event in enumerate(found):
        if isinstance(event, Event):
            place = f"/{position}" if batch else ""
            wrong += [(place + pointer, said) for pointer, said in event_faults(catalog, call.caller.tenant, event)]
    if wrong:
        detail = f"data is not as a workflow asks; none of {len(found)} events was accepted"
        raise InvalidFields("invalid_data", detail, wrong[:MAX_ERRORS])


async def _accept(acceptance: Acceptance, call: Call, found: ReadEvents, outputs: Sequence[Output]) -> Answer:
    durability = Durability.LOG  # of an empty batch
    if outputs:
        durability = await acceptance.accept(call.caller, Intake.EVENT, outputs, len(outputs))
    tenant = call.caller.tenant
    answer = {
        "accepted": len(outputs),
        "ids": [_id(tenant, event) for event in found if isinstance(event, Event)],
        "durability": durability,
    }
    return Answer(status=202, body=orjson.dumps(answer))


def _id(tenant: str, event: Event) -> str:
    return ids.event_id(tenant, event.source, event.id, test=event.is_test)


def read_events(request: Request, raw: bytes) -> tuple[ReadEvents, bool]:
    """The events of a body in the mode that its content type says, and whether it is a list of them.

    A body of `application/json` without attributes in the headers may be an event itself, or a list. Raises Problem 400
    when it is no JSON.
    """
    media = content_type(request)
    try:
        if media == event_codecs.BATCH:
            return event_codecs.from_batch(raw, most=MAX_EVENTS), True
        if media == event_codecs.STRUCTURED:
            return [event_codecs.from_structured(raw)], False
        if media == JSON and not any(name.startswith(b"ce-") for name, _ in request.headers.raw):
            return event_codecs.from_json(raw, most=MAX_EVENTS)
        return [event_codecs.from_binary(request.headers.items(), raw)], False
    except InvalidEvent as error:
        if error.code == "invalid_json":
            raise not_json(error) from error
        if error.code in ("invalid_batch", "batch_too_large"):
            raise
        return [error], False


def _stamp(event: Event, caller: Caller, trace: str | None) -> InvalidEvent | None:
    """Writes the key's tenant into the event, and that it is a test; what is wrong with that, if anything."""
    attributes, tenant = event.attributes, caller.tenant
    if attributes.get("tenant", tenant) != tenant:
        return InvalidEvent("invalid_tenant", "the tenant comes from the API key; leave it out", "/tenant")
    attributes["tenant"] = tenant
    if caller.test:
        attributes[TEST] = "true"
    if trace is not None:
        attributes.setdefault("traceparent", trace)
    return None


def _too_large(outputs: Sequence[Output], *, batch: bool) -> list[tuple[str, str]]:
    found = []
    for position, output in enumerate(outputs):
        size = len(output.value or b"") + sum(len(name) + len(value or b"") for name, value in output.headers)
        if size > MAX_RECORD:
            found.append((f"/{position}" if batch else "", f"{size} bytes as a record; at most {MAX_RECORD}"))
    return found
