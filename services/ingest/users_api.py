"""Users' profiles: put, patch, get, delete."""

from __future__ import annotations

import orjson
import pymongo
from fastapi import Request
from fastapi.responses import Response

from services.ingest.edge import Caller, Edge, decoded, read_json, require_json
from services.ingest.faults import require_object
from services.ingest.profile_bodies import body_of, merge_patch, parse_profile, shown
from shared.http.bodies import read_body
from shared.http.problems import Problem
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles as profile_store
from shared.mongo.api_keys import Scope
from shared.mongo.database import Database

MERGE_PATCH = "application/merge-patch+json"
READ_SECONDS = 1.5


class UsersApi:
    """`/v1/users/{id}`. A change counts for everything that is accepted after its call answered."""

    def __init__(
        self, *, edge: Edge, database: Database, log: GroupCommit, topics: Topics, webhook_secret: str
    ) -> None:
        self._edge = edge
        self._database = database
        self._log = log
        self._topics = topics
        self._secret = webhook_secret

    async def put(self, request: Request) -> Response:
        """Replaces the profile; 200 with what is stored."""
        caller, user = await self._admit(request)
        _, body = await read_json(request)
        wanted = parse_profile(body, caller.tenant, user)
        return self._show(await self._write(caller, user, lambda _: wanted))

    async def patch(self, request: Request) -> Response:
        """Merges into the profile (RFC 7386); 200 with what is stored, 404 for a user without profile."""
        caller, user = await self._admit(request)
        require_json(request, MERGE_PATCH)
        patch = require_object(decoded(await read_body(request)))

        def change(stored: Profile) -> Profile:
            if stored.version == 0:
                raise _unknown(user)
            return parse_profile(merge_patch(body_of(stored), patch), caller.tenant, user)

        return self._show(await self._write(caller, user, change))

    async def get(self, request: Request) -> Response:
        """200 with the profile, 404 for a user without one."""
        caller, user = await self._admit(request)
        with pymongo.timeout(READ_SECONDS):
            profile = await profile_store.read(self._database, caller.tenant, user)
        if profile is None:
            raise _unknown(user)
        return self._show(profile)

    async def delete(self, request: Request) -> Response:
        """204 when nothing of the profile is left, 404 for a user without one."""
        caller, user = await self._admit(request)
        with pymongo.timeout(READ_SECONDS):
            removed = await profile_store.remove(
                self._database, self._log, self._topics, tenant=caller.tenant, user=user
            )
        if not removed:
            raise _unknown(user)
        return Response(status_code=204)

    async def _admit(self, request: Request) -> tuple[Caller, str]:
        caller = await self._edge.admit(request, Scope.USERS)
        try:
            return caller, check_user_id(request.path_params["user"], "")
        except Invalid as error:
            raise Problem(
                422, error.code, error.detail, fix="Percent-encode the id as UTF-8: /v1/users/ada%40example"
            ) from error

    async def _write(self, caller: Caller, user: str, change: profile_store.Change) -> Profile:
        with pymongo.timeout(READ_SECONDS):
            return await profile_store.write(
                self._database, self._log, self._topics, tenant=caller.tenant, user=user, change=change
            )

    def _show(self, profile: Profile) -> Response:
        return Response(orjson.dumps(shown(profile, self._secret)), 200, media_type="application/json")


def _unknown(user: str) -> Problem:
    return Problem(404, "unknown_user", f"there is no profile of {user!r}", fix=f"Create it: PUT /v1/users/{user}")
