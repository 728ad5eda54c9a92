"""The operators' API: sending dead letters again, one or many, and discarding them."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.console.api.bodies import body_as
from services.console.api.callers import Id, key_owner
from services.console.api.letter_routes import unknown_letter
from services.console.api.openapi import refusals, writes
from services.console.letters.actions import LetterActions
from services.console.letters.core.answers import DeadLetterSummary, RedriveAnswer, shown_redrive, summary
from services.console.letters.core.bodies import RedriveBody
from services.console.letters.core.letter_row import DeadLetterRow
from services.console.letters.core.redriving import Obstacle, says_the_same
from services.console.letters.store import DeadLetters
from shared.http.json_bodies import json_answer
from shared.http.problems import Problem
from shared.model.dead_letters import DeadLetterState
from shared.mongo.api_keys import ApiKeys, Principal
from shared.mongo.database import Database


def redrive_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Writing, with an API key that has the scope `operate`; who it was is in the audit log."""
    routes = APIRouter(prefix="/v1", tags=["dead letters"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_owner(keys))

    async def found(letter: str, owner: Principal) -> DeadLetterRow:
        row = await DeadLetters(database).find(owner.tenant, letter)
        if row is None:
            raise unknown_letter()
        return row

    @routes.post("/dead-letters/{letter}/redrive", **writes(RedriveAnswer, body=RedriveBody, dry_run=RedriveAnswer))
    async def redrive(letter: Id, request: Request, owner: Principal = own) -> Response:
        """Sends one again under the same id, decided anew. Repeated, it is sent once; 200 for a dry run."""
        body = await body_as(request, RedriveBody)
        data = None if body.data is None else msgspec.json.encode(body.data)
        row, actions = await found(letter, owner), LetterActions(database)
        wanted = await actions.plan(row, owner, forced=body.force, data=data)
        if isinstance(wanted, Obstacle):
            if wanted is Obstacle.REDRIVEN and says_the_same(row, data):
                return json_answer(_as_it_stands(row), 202)
            raise _in_the_way(wanted)
        if body.dry_run:
            return json_answer(RedriveAnswer(letter=summary(row), redrive=shown_redrive(wanted), dry_run=True))
        after = await actions.redrive(row, wanted)
        if after is None or "redrive" not in after:
            raise unknown_letter() if after is None else _in_the_way(Obstacle.DISCARDED)
        if not says_the_same(after, data):
            raise _in_the_way(Obstacle.REDRIVEN)
        return json_answer(_as_it_stands(after), 202)

    @routes.delete("/dead-letters/{letter}", **writes(DeadLetterSummary))
    async def discard(letter: Id, owner: Principal = own) -> Response:
        """Nobody sends it any more; it is shown until it is kept no more."""
        after = await LetterActions(database).discard(await found(letter, owner), owner)
        if after is None:
            raise unknown_letter()
        if after["state"] != DeadLetterState.DISCARDED:
            raise _in_the_way(Obstacle.REDRIVEN)
        return json_answer(summary(after))

    return routes


def _as_it_stands(row: DeadLetterRow) -> RedriveAnswer:
    return RedriveAnswer(letter=summary(row), redrive=shown_redrive(row["redrive"]), dry_run=False)


def _in_the_way(obstacle: Obstacle) -> Problem:
    match obstacle:
        case Obstacle.EXPIRED:
            return Problem(
                409, "dead_letter_expired", "its notification has expired: nobody wants it any more",
                fix='Send it all the same with {"force": true}, or discard it.',
            )  # fmt: skip
        case Obstacle.REDRIVEN:
            return Problem(
                409, "dead_letter_redriven", "it is sent again already, as it was or with other data",
                fix="GET /v1/dead-letters/{id} shows what became of it; if that failed there is a newer dead letter.",
            )  # fmt: skip
        case Obstacle.DISCARDED:
            return Problem(
                409, "dead_letter_discarded", "it was discarded: nobody sends it any more",
                fix="Send the notification again.",
            )  # fmt: skip
        case Obstacle.NOT_WHOLE:
            return Problem(
                409, "dead_letter_not_whole", "there is no whole delivery in it that could be sent",
                fix="Send the notification again; of an unreadable record look at what wrote it.",
            )  # fmt: skip
