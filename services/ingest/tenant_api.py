"""The caller's own tenant: its settings, and the emergency stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import orjson
import pymongo
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.calls import Answer, Call, Caller
from services.ingest.idempotency import Requests
from services.ingest.models.body import read
from services.ingest.models.tenants import (
    CancelScope,
    LiftedStops,
    StopList,
    StopScope,
    StoredTenant,
    TenantPatch,
    check_tenant_patch,
    patched,
    shown,
    shown_stops,
)
from services.ingest.openapi import IDEMPOTENCY_KEY, operation
from shared.http.bodies import read_body
from shared.http.json_bodies import JSON, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model.audit import AuditAction
from shared.model.ports import RecordWriter
from shared.model.tenants import ENVIRONMENT
from shared.model.topics import Topics
from shared.mongo import tenants
from shared.mongo.api_keys import Scope
from shared.mongo.audit import note
from shared.mongo.database import Database
from shared.mongo.holds import Holds
from shared.mongo.stops import MAX_STOPS, SWEEP_SECONDS, Lifted, Stops

MERGE_PATCH: Final = "application/merge-patch+json"
READ_SECONDS: Final = 1.5
LIFT_SECONDS: Final = SWEEP_SECONDS + 5
MAX_COUNTED: Final = 1_000_000


def tenant_routes(
    *,
    admission: Admission,
    requests: Requests,
    database: Database,
    writer: RecordWriter,
    topics: Topics,
    holds: Holds,
) -> APIRouter:
    """`/v1/tenant`. A change counts for everything that is accepted after its call answered."""
    routes = APIRouter(prefix="/v1/tenant", tags=["tenant"])
    stops = Stops(database, writer, topics)
    admin = Depends(_admin(admission))

    @routes.get("", **operation("getTenant", "Read the tenant's settings", answer=(200, StoredTenant), refusals=()))
    async def get(caller: Caller = admin) -> Response:
        """200, also for a tenant of which nothing is set."""
        with pymongo.timeout(READ_SECONDS):
            return _answer(shown(await tenants.read(database, caller.tenant)))

    @routes.patch(
        "",
        **operation(
            "patchTenant",
            "Change parts of the tenant's settings (RFC 7386: null removes)",
            answer=(200, StoredTenant),
            refusals=(400, 413, 415, 422),
            body=json_of(TenantPatch, MERGE_PATCH) | json_of(TenantPatch),
        ),
    )
    async def patch(request: Request, caller: Caller = admin) -> Response:
        """200 with what is stored; it counts for everything accepted from now on."""
        wanted = check_tenant_patch(await _json(request, MERGE_PATCH))
        with pymongo.timeout(READ_SECONDS):
            stored = await tenants.write(
                database, writer, topics, tenant=caller.tenant, change=lambda stored: patched(stored, wanted)
            )
            await _noted(database, caller, AuditAction.TENANT_CHANGED, fields=", ".join(sorted(wanted)))
            return _answer(shown(stored))

    @routes.get("/stops", **operation("listStops", "What is stopped", answer=(200, StopList), refusals=()))
    async def list_stops(caller: Caller = admin) -> Response:
        """200, with the stops of all tenants as well."""
        with pymongo.timeout(READ_SECONDS):
            return await listed(caller.tenant)

    @routes.put(
        "/stops",
        **operation(
            "stopTenant",
            "Stop everything, a workflow or a channel: it is held, and nothing is lost",
            answer=(200, StopList),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(StopScope),
        ),
    )
    async def stop(request: Request, caller: Caller = admin) -> Response:
        """200 when nothing of it that is accepted from now on goes out. Repeating it changes nothing."""
        scope = read(StopScope, await _json(request))
        with pymongo.timeout(READ_SECONDS):
            stored = await tenants.read(database, caller.tenant)
            if len(stored.stops) >= MAX_STOPS:
                detail = f"{MAX_STOPS} stops are in place"
                raise Problem(409, "too_many_stops", detail, fix="Stop everything: an empty body, {}.")
            await stops.stop(caller.tenant, workflow=scope.workflow, channel=scope.channel)
            await _noted(database, caller, AuditAction.TENANT_STOPPED, workflow=scope.workflow, channel=scope.channel)
            return await listed(caller.tenant)

    @routes.post(
        "/stops/release",
        **operation(
            "releaseStops",
            "Lift stops and send what they hold",
            answer=(200, LiftedStops),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(StopScope),
            headers=(IDEMPOTENCY_KEY,),
        ),
    )
    async def release(request: Request) -> Response:
        """200 with how many go on; each is decided again, by today's preferences."""
        call, value = await posted(request)

        async def act() -> Answer:
            scope = read(StopScope, value)
            with pymongo.timeout(LIFT_SECONDS):
                lifted = await stops.release(call.caller.tenant, workflow=scope.workflow, channel=scope.channel)
                await _lifting(database, call, AuditAction.STOPS_RELEASED, scope, lifted)
                return _lifted(lifted)

        return await requests.once(call, act)

    @routes.post(
        "/stops/cancel",
        **operation(
            "cancelStopped",
            "Cancel what is held, and lift its stops",
            answer=(200, LiftedStops),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(CancelScope),
            headers=(IDEMPOTENCY_KEY,),
        ),
    )
    async def cancel(request: Request) -> Response:
        """200 with how many end as cancelled."""
        call, value = await posted(request)

        async def act() -> Answer:
            scope = read(CancelScope, value)
            with pymongo.timeout(LIFT_SECONDS):
                lifted = await stops.cancel(
                    call.caller.tenant, workflow=scope.workflow, channel=scope.channel, keep=scope.keep
                )
                await _lifting(database, call, AuditAction.STOPPED_CANCELLED, scope, lifted)
                return _lifted(lifted)

        return await requests.once(call, act)

    async def posted(request: Request) -> tuple[Call, object]:
        call = await admission.post(request, Scope.ADMIN)
        value = parse_json(call.raw)
        return call.decoded(value), value

    async def listed(tenant: str) -> Response:
        known = await tenants.read_many(database, [tenant])
        own, environment = known.get(tenant), known.get(ENVIRONMENT)
        return _answer({
            "stops": shown_stops(own.stops if own else ()),
            "environment_stops": shown_stops(environment.stops if environment else ()),
            "holds": await holds.count_stopped(tenant, most=MAX_COUNTED),
        })  # fmt: skip

    return routes


def _admin(admission: Admission) -> Callable[[Request], Awaitable[Caller]]:
    async def caller(request: Request) -> Caller:
        return await admission.caller(request, Scope.ADMIN)

    return caller


async def _json(request: Request, *media: str) -> object:
    require_json(request, *media)
    return parse_json(await read_body(request))


async def _noted(database: Database, caller: Caller, action: AuditAction, **details: str | int | bool | None) -> None:
    await note(database, action, tenant=caller.tenant, actor=caller.key_id, subject=caller.tenant, **details)


async def _lifting(database: Database, call: Call, action: AuditAction, scope: StopScope, lifted: Lifted) -> None:
    counts = {"released": lifted.released, "cancelled": lifted.cancelled}
    await _noted(database, call.caller, action, workflow=scope.workflow, channel=scope.channel, **counts)


def _answer(value: dict[str, object]) -> Response:
    return Response(orjson.dumps(value), media_type=JSON)


def _lifted(lifted: Lifted) -> Answer:
    body = orjson.dumps({
        "stops": shown_stops(lifted.stops),
        "holds_released": lifted.released,
        "holds_cancelled": lifted.cancelled,
        "complete": lifted.complete,
    })  # fmt: skip
    return Answer(status=200, body=body)
