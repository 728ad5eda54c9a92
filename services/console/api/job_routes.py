"""The operators' API: sending again all dead letters that a filter finds, and how far that is."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.api.bodies import body_as
from services.console.api.callers import Id, key_owner
from services.console.api.openapi import answer, refusals, writes
from services.console.letters.actions import MAX_RUNNING, LetterActions
from services.console.letters.core.bodies import RedriveManyBody
from services.console.letters.core.jobs import JobList, JobShown, JobState, RedriveJob, RedrivePreview, shown_job
from services.console.letters.core.letter_filter import checked_filter
from services.console.letters.job_rows import RedriveJobs
from shared.http.json_bodies import json_answer
from shared.http.problems import Problem
from shared.mongo.api_keys import ApiKeys, Principal
from shared.mongo.database import Database
from shared.process.clock import now_ms

_Most = Annotated[int, Query(ge=1, le=200)]


def job_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Writing, with an API key that has the scope `operate`; who it was is in the audit log."""
    routes = APIRouter(prefix="/v1", tags=["dead letters"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_owner(keys))

    @routes.post("/dead-letters/redrive", **writes(JobShown, body=RedriveManyBody, dry_run=RedrivePreview))
    async def redrive_many(request: Request, owner: Principal = own) -> Response:
        """Sends all open letters that the filter finds again, no faster than wanted; 200 for a dry run."""
        body = await body_as(request, RedriveManyBody)
        wanted = checked_filter(body.filter, within="/filter")
        actions = LetterActions(database)
        preview = await actions.preview(owner.tenant, wanted, forced=body.force, per_second=body.per_second)
        if body.dry_run:
            return json_answer(preview)
        job = RedriveJob(
            id=str(uuid4()), tenant=owner.tenant, by=owner.key_id, filter=wanted, forced=body.force,
            per_second=body.per_second, state=JobState.RUNNING, wanted=preview.wanted, started_at=now_ms(),
        )  # fmt: skip
        if await actions.start(owner, job) is None:
            raise Problem(
                409, "too_many_redrives", f"{MAX_RUNNING} redrives are under way",
                fix="Wait for one of them, or cancel one: GET /v1/redrives.",
            )  # fmt: skip
        return json_answer(shown_job(job), 202)

    @routes.get("/redrives", **answer(JobList))
    async def jobs(limit: _Most = 50, owner: Principal = own) -> Response:
        """Redrives of many, the newest first."""
        newest = await RedriveJobs(database).newest(owner.tenant, limit)
        return json_answer(JobList(redrives=[shown_job(job) for job in newest]))

    @routes.get("/redrives/{job}", **answer(JobShown))
    async def one_job(job: Id, owner: Principal = own) -> Response:
        """How far one is."""
        return json_answer(shown_job(_known(await RedriveJobs(database).find(owner.tenant, job))))

    @routes.post("/redrives/{job}/cancel", **answer(JobShown))
    async def cancel_job(job: Id, owner: Principal = own) -> Response:
        """It looks at no further letter; those that it has sent again go their way."""
        return json_answer(shown_job(_known(await LetterActions(database).cancel(owner, job))))

    return routes


def _known(job: RedriveJob | None) -> RedriveJob:
    if job is None:
        raise Problem(404, "unknown_redrive", "there is no such redrive, or it is not yours", fix="GET /v1/redrives.")
    return job
