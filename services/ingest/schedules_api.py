"""Schedules: create, list, pause, let go on, delete."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import orjson
import pymongo
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.calls import Answer, Call, Caller
from services.ingest.data_checks import data_faults
from services.ingest.dry_run import refuse_dry_run
from services.ingest.idempotency import Requests
from services.ingest.models.audiences import AudienceBody
from services.ingest.models.body import InvalidFields, read
from services.ingest.models.schedules import (
    SchedulePage,
    SchedulePatch,
    ScheduleRequest,
    StoredSchedule,
    read_schedule,
    shown_schedule,
)
from services.ingest.openapi import IDEMPOTENCY_KEY, operation
from services.ingest.sending import NotificationSender, call_name, check_expanded
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem, unavailable
from shared.model import ids
from shared.model.ports import ScheduleStore
from shared.model.recipients import MAX_RECIPIENTS
from shared.model.schedules import MAX_SCHEDULES, Schedule, ScheduleState, activated, is_full, is_same, paused
from shared.mongo.api_keys import Scope
from shared.process.clock import now_ms

STORE_SECONDS: Final = 1.5
MERGE_PATCH: Final = "application/merge-patch+json"
PAGE: Final = 100
TRIES: Final = 5
"""A change is tried anew when the schedule fires, or is changed by another call, in between."""

ScheduleInPath = Annotated[str, Path(description="The schedule's id", examples=["weekly-offers"], max_length=100)]


def schedule_routes(
    *, admission: Admission, requests: Requests, sender: NotificationSender, schedules: ScheduleStore
) -> APIRouter:
    """`/v1/schedules`."""
    routes = APIRouter(prefix="/v1/schedules", tags=["schedules"])

    async def admitted(request: Request) -> Caller:
        return await admission.caller(request, Scope.SEND)

    caller_of = Depends(admitted)

    @routes.post(
        "",
        **operation(
            "createSchedule",
            "Send by a cron expression, in one zone or in each recipient's",
            answer=(201, StoredSchedule),
            refusals=(400, 409, 413, 415, 422),
            body=json_of(ScheduleRequest),
            headers=(IDEMPOTENCY_KEY,),
        ),
    )
    async def create(request: Request) -> Response:
        """201 with what is stored; the same again under the same id answers the same."""
        call = await admission.post(request, Scope.SEND)
        refuse_dry_run(request)
        value = parse_json(call.raw)
        call = call.decoded(value)

        async def act() -> Answer:
            now = now_ms()
            wanted = read_schedule(value, now)
            workflow = await sender.published(call.caller, wanted.workflow)
            if wrong := data_faults(workflow, wanted.data or {}):
                raise InvalidFields("invalid_data", f"data is not as {workflow.key} asks", wrong)
            with pymongo.timeout(STORE_SECONDS):
                stored = await _create(schedules, _schedule(call, wanted, now))
            return Answer(status=201, body=msgspec.json.encode(shown_schedule(stored)))

        return await requests.once(call, act)

    @routes.get(
        "",
        **operation(
            "listSchedules",
            "List schedules by id, a hundred at a time at most",
            answer=(200, SchedulePage),
            refusals=(422,),
        ),
    )
    async def several(
        caller: Caller = caller_of,
        after: Annotated[str, Query(description="those whose id comes after this one", max_length=100)] = "",
    ) -> Response:
        """200 with a page."""
        with pymongo.timeout(STORE_SECONDS):
            page = await schedules.page(caller.tenant, after=after, most=PAGE)
        more = page[-1].id if is_full(page, PAGE) else None
        return json_answer({"schedules": [shown_schedule(one) for one in page], "after": more})

    @routes.get(
        "/{schedule}", **operation("getSchedule", "Read a schedule", answer=(200, StoredSchedule), refusals=(404, 422))
    )
    async def one(schedule: ScheduleInPath, caller: Caller = caller_of) -> Response:
        """200 with the schedule."""
        with pymongo.timeout(STORE_SECONDS):
            return json_answer(shown_schedule(await _known(schedules, caller, schedule)))

    @routes.patch(
        "/{schedule}",
        **operation(
            "patchSchedule",
            "Pause a schedule, or let it go on from now",
            answer=(200, StoredSchedule),
            refusals=(400, 404, 413, 415, 422),
            body=json_of(SchedulePatch, MERGE_PATCH) | json_of(SchedulePatch),
        ),
    )
    async def patch(request: Request, schedule: ScheduleInPath, caller: Caller = caller_of) -> Response:
        """200 with the schedule as it is from now on: one that is paused fires no more."""
        require_json(request, MERGE_PATCH)
        wanted = read(SchedulePatch, parse_json(await read_body(request))).state
        with pymongo.timeout(STORE_SECONDS):
            return json_answer(shown_schedule(await _set_state(schedules, caller, schedule, wanted)))

    @routes.delete(
        "/{schedule}",
        **operation("deleteSchedule", "Delete a schedule", answer=(204, None), refusals=(404, 422)),
    )
    async def delete(schedule: ScheduleInPath, caller: Caller = caller_of) -> Response:
        """204: it fires no more."""
        with pymongo.timeout(STORE_SECONDS):
            if not await schedules.remove(caller.tenant, schedule):
                raise _unknown(schedule)
        return Response(status_code=204)

    return routes


def _schedule(call: Call, wanted: ScheduleRequest, now: int) -> Schedule:
    """The schedule that a call asks for. Raises InvalidFields or Problem 413."""
    data, named = orjson.dumps(wanted.data or {}), wanted.recipients
    audience = named.as_audience() if isinstance(named, AudienceBody) else None
    recipients = () if isinstance(named, AudienceBody) else tuple(named)
    # More than are expanded at once carry as much data as those.
    check_expanded(len(data), min(len(recipients), MAX_RECIPIENTS) if recipients else MAX_RECIPIENTS)
    tenant = call.caller.tenant
    made = activated(
        Schedule(
            id=wanted.id or ids.derive("schedule", tenant, call_name(call)),
            tenant=tenant,
            workflow=wanted.workflow,
            recipients=recipients,
            audience=audience,
            data=msgspec.Raw(data),
            cron=wanted.cron,
            zone=wanted.zone,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            created_at=now,
            test=call.caller.test,
        ),
        now,
    )
    if made.next_at is None:
        detail = "never fires before ends_at"
        raise InvalidFields("never_fires", f"the schedule {detail}", [("/cron", detail)])
    return made


async def _create(schedules: ScheduleStore, made: Schedule) -> Schedule:
    if await schedules.count(made.tenant, most=MAX_SCHEDULES) >= MAX_SCHEDULES:
        detail = f"a tenant has {MAX_SCHEDULES} schedules at most"
        raise Problem(422, "too_many_schedules", detail, fix="Delete some, or name more recipients in each.")
    if await schedules.swap(None, made):
        return made
    stored = await schedules.read(made.tenant, made.id)
    if stored is not None and is_same(stored, made):
        return stored
    raise Problem(
        409,
        "schedule_exists",
        f"there is another schedule {made.id!r}",
        fix="Delete it first, or choose another id.",
    )


async def _set_state(schedules: ScheduleStore, caller: Caller, name: str, wanted: ScheduleState) -> Schedule:
    for _ in range(TRIES):
        found = await _known(schedules, caller, name)
        if found.state is wanted:
            return found
        changed = paused(found) if wanted is ScheduleState.PAUSED else activated(found, now_ms())
        if await schedules.swap(found, changed):
            return changed
    raise unavailable(f"{name!r} is changed by others all the time")


async def _known(schedules: ScheduleStore, caller: Caller, name: str) -> Schedule:
    found = await schedules.read(caller.tenant, name)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> Problem:
    return Problem(404, "unknown_schedule", f"there is no schedule {name[:100]!r}", fix="GET /v1/schedules lists them.")
