"""The suppression list for producers: put, get, delete, and many off at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.models.body import M, check_size, read
from services.ingest.models.fields import written_time
from services.ingest.models.suppressions import (
    LiftedSuppressions,
    LiftRequest,
    StoredSuppression,
    SuppressedAddress,
    SuppressionBody,
    SuppressionEntries,
    SuppressionFilter,
    shown,
)
from services.ingest.openapi import operation
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model import formats
from shared.model.audit import AuditAction
from shared.model.ports import RecordWriter
from shared.model.suppressions import Suppression
from shared.model.topics import Topics
from shared.mongo import lifting
from shared.mongo import suppressions as store
from shared.mongo.api_keys import Scope
from shared.mongo.audit import note
from shared.mongo.database import Database
from shared.process.clock import now_ms

PATH: Final = "/v1/suppressions"
MAX_VALUES: Final = 20


def suppression_routes(*, admission: Admission, database: Database, writer: RecordWriter, topics: Topics) -> APIRouter:
    """`/v1/suppressions`. A change counts for everything that is accepted after its call answered."""
    routes = APIRouter(tags=["suppressions"])

    @routes.put(
        PATH,
        **operation(
            "putSuppression",
            "Send an address nothing, or nothing of a category",
            answer=(200, StoredSuppression),
            refusals=(400, 413, 415, 422),
            body=json_of(SuppressionBody),
        ),
    )
    async def put(request: Request) -> Response:
        """200 with the entry; one that is there already stays as it is."""
        caller = await admission.caller(request, Scope.USERS)
        require_json(request)
        value = parse_json(await read_body(request))
        check_size(value, MAX_VALUES)
        body = read(SuppressionBody, value)
        entry = Suppression(
            tenant=caller.tenant,
            address=body.address_id,
            reason=body.reason,
            category=body.category,
            created_at=now_ms(),
            by=caller.key_id,
        )
        stored = await store.put(database, writer, topics, entry)
        formats.check("suppression", stored.format)
        return json_answer(shown(stored).model_dump(mode="json"))

    @routes.get(
        PATH,
        **operation(
            "getSuppressions",
            "What an address is not sent",
            answer=(200, SuppressionEntries),
            refusals=(422,),
            headers=_parameters(SuppressedAddress),
        ),
    )
    async def get(request: Request) -> Response:
        """200 with all entries about the address; there may be none."""
        caller = await admission.caller(request, Scope.USERS)
        address = _query(SuppressedAddress, request).address_id
        found = await store.Suppressions(database).of_addresses({caller.tenant: [address]})
        entries = found.get((caller.tenant, address), [])
        for entry in entries:
            formats.check("suppression", entry.format)
        return json_answer(SuppressionEntries(entries=[shown(entry) for entry in entries]).model_dump(mode="json"))

    @routes.delete(
        PATH,
        **operation(
            "deleteSuppression",
            "Send to an address again",
            answer=(204, None),
            refusals=(404, 422),
            headers=_parameters(SuppressionFilter),
        ),
    )
    async def delete(request: Request) -> Response:
        """204 when the entries of this category (without one: those of everything) are off the list, 404 for none."""
        caller = await admission.caller(request, Scope.USERS)
        wanted = _query(SuppressionFilter, request)
        removed = await store.remove(
            database,
            writer,
            topics,
            tenant=caller.tenant,
            address=wanted.address_id,
            category=wanted.category,
            reason=wanted.reason,
        )
        if not removed:
            fix = "GET /v1/suppressions shows what there is: the category, and the reason if it is given, must be the same."
            raise Problem(404, "unknown_suppression", "there is no such entry", fix=fix)
        return Response(status_code=204)

    @routes.post(
        f"{PATH}/lift",
        **operation(
            "liftSuppressions",
            "Send again to all addresses that are on the list for a reason",
            answer=(200, LiftedSuppressions),
            refusals=(400, 413, 415, 422),
            body=json_of(LiftRequest),
        ),
    )
    async def lift(request: Request) -> Response:
        """200 with how many are off the list, 200 at the most: repeat it while there are more."""
        caller = await admission.caller(request, Scope.USERS)
        require_json(request)
        value = parse_json(await read_body(request))
        check_size(value, MAX_VALUES)
        body = read(LiftRequest, value, {"now": now_ms()})
        wanted = lifting.ToLift(
            tenant=caller.tenant, reason=body.reason, by=body.by, since=body.since, until=body.until
        )
        if body.dry_run:
            return _lifted(await lifting.count(database, wanted))
        found = await lifting.lift(database, writer, topics, wanted, most=lifting.PAGE)
        if found.entries:
            await note(
                database,
                AuditAction.SUPPRESSIONS_LIFTED,
                tenant=caller.tenant,
                actor=caller.key_id,
                subject=body.reason,
                entries=found.entries,
                by=body.by,
                since=written_time(body.since),
                until=written_time(body.until),
            )
        return _lifted(found)

    return routes


def _lifted(found: lifting.TakenOff) -> Response:
    return json_answer(LiftedSuppressions(entries=found.entries, more=found.more).model_dump(mode="json"))


def _query(model: type[M], request: Request) -> M:
    """The parameters, checked as a body's fields would be. Raises InvalidFields."""
    return read(model, dict(request.query_params))


def _parameters(model: type[SuppressedAddress]) -> tuple[Mapping[str, object], ...]:
    schema = model.model_json_schema()
    required = set(schema["required"])
    return tuple(
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.description or "as a profile or an inline person has it",
            "schema": {"type": "string"}
            | ({"enum": part["enum"]} if "enum" in (part := schema["properties"][name]) else {}),
        }
        for name, field in model.model_fields.items()
    )
