"""Users' profiles: put, patch, get, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
import orjson
import pymongo
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from starlette.convertors import Convertor, register_url_convertor

from services.ingest.admission import Admission
from services.ingest.core.merge_patch import merge_patch
from services.ingest.core.user_path import NotUtf8, user_of_path
from services.ingest.models.body import check_size, read
from services.ingest.models.patches import check_patch
from services.ingest.models.profiles import (
    MAX_VALUES,
    ProfileBody,
    ProfilePatch,
    StoredProfile,
    body_of,
    check_channels,
    read_profile,
    read_put,
    shown,
)
from services.ingest.openapi import operation
from shared.http.bodies import read_body
from shared.http.json_bodies import JSON, parse_json, require_json
from shared.http.openapi import json_of
from shared.http.problems import Problem
from shared.model.errors import Invalid
from shared.model.identifiers import MAX_USER_ID
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.mongo import profiles as profile_store
from shared.mongo.api_keys import Scope
from shared.mongo.database import Database
from shared.process.clock import now_ms

MERGE_PATCH: Final = "application/merge-patch+json"
READ_SECONDS: Final = 1.5
PREFIX: Final = "/v1/users"
PATH: Final = "/{user:user_id}"
_STORED: Final = (200, StoredProfile)

UserInPath = Annotated[
    str,
    Path(
        description=f"The user's id: 1 to {MAX_USER_ID} printable characters, percent-encoded",
        json_schema_extra={"minLength": 1, "maxLength": MAX_USER_ID},
        examples=["ada"],
    ),
]


class _UserIdConvertor(Convertor[str]):
    """All of the rest of a path, line breaks too: what is in it is checked, and not cut off."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def register_user_ids() -> None:
    """Makes `user_id` a kind of path parameter; again is harmless."""
    register_url_convertor("user_id", _UserIdConvertor())


class AddressedUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whose profile a call is about: the tenant comes from the key, the id from the path."""

    tenant: str
    id: str


def _json_body(*media: str) -> Callable[[Request], Awaitable[Any]]:
    async def value(request: Request) -> Any:
        require_json(request, *media)
        return parse_json(await read_body(request))

    return value


_json = Depends(_json_body())
_merge_patch = Depends(_json_body(MERGE_PATCH))


def user_routes(
    *,
    admission: Admission,
    database: Database,
    writer: RecordWriter,
    topics: Topics,
    webhook_secret: str,
) -> APIRouter:
    """`/v1/users/{id}`. A change counts for everything that is accepted after its call answered."""
    register_user_ids()
    routes = APIRouter(prefix=PREFIX, tags=["users"])

    async def write(user: AddressedUser, change: profile_store.ProfileChange, *, mends: bool = False) -> Response:
        place = {"tenant": user.tenant, "user": user.id}
        with pymongo.timeout(READ_SECONDS):
            return answer(await profile_store.write(database, writer, topics, **place, change=change, mends=mends))

    def answer(profile: Profile) -> Response:
        return Response(orjson.dumps(shown(profile, webhook_secret)), media_type=JSON)

    addressed = Depends(_addressed(admission))

    @routes.put(
        PATH,
        **operation(
            "putUser",
            "Create a profile, or replace what producers own of it",
            answer=_STORED,
            refusals=(400, 413, 415, 422),
            body=json_of(ProfileBody),
        ),
    )
    async def put(user: AddressedUser = addressed, value: Any = _json) -> Response:
        """200 with what is stored; it counts for everything accepted from now on.

        Preferences, quiet hours, mute_until and devices stay as they are unless the body has them.
        """
        return await write(user, read_put(value, user.tenant, user.id, now_ms()), mends=True)

    @routes.patch(
        PATH,
        **operation(
            "patchUser",
            "Create a profile, or change parts of it (RFC 7386: null removes)",
            answer=_STORED,
            refusals=(400, 413, 415, 422),
            body=json_of(ProfilePatch, MERGE_PATCH) | json_of(ProfilePatch),
        ),
    )
    async def patch(user: AddressedUser = addressed, value: Any = _merge_patch) -> Response:
        """200 with what is stored."""
        check_size(value, MAX_VALUES)
        read(ProfilePatch, value)
        check_patch(value)

        def change(stored: Profile) -> Profile:
            wanted = read_profile(merge_patch(body_of(stored), value), user.tenant, user.id, now_ms())
            check_channels(wanted, stored)
            return wanted

        return await write(user, change)

    @routes.get(PATH, **operation("getUser", "Read a profile", answer=_STORED, refusals=(404, 422)))
    async def get(user: AddressedUser = addressed) -> Response:
        """200 with the profile, 404 for a user without one."""
        with pymongo.timeout(READ_SECONDS):
            profile = await profile_store.read(database, user.tenant, user.id)
        if profile is None:
            raise _unknown(user.id)
        return answer(profile)

    @routes.delete(
        PATH,
        **operation(
            "deleteUser", "Delete a profile; the user is unknown from then on", answer=(204, None), refusals=(404, 422)
        ),
    )
    async def delete(user: AddressedUser = addressed) -> Response:
        """204 when nothing of the profile is left, 404 for a user without one."""
        with pymongo.timeout(READ_SECONDS):
            removed = await profile_store.remove(database, writer, topics, tenant=user.tenant, user=user.id)
        if not removed:
            raise _unknown(user.id)
        return Response(status_code=204)

    return routes


def _addressed(admission: Admission) -> Callable[[Request, str], Awaitable[AddressedUser]]:
    async def admitted(request: Request, user: UserInPath) -> AddressedUser:
        del user  # the server decoded it leniently
        caller = await admission.caller(request, Scope.USERS)
        fix = "Percent-encode the id as UTF-8: /v1/users/ada%40example"
        try:
            return AddressedUser(tenant=caller.tenant, id=user_of_path(request.scope["raw_path"], PREFIX))
        except Invalid as error:
            raise Problem(422, error.code, error.detail, fix=fix) from error
        except NotUtf8 as error:
            raise Problem(400, "invalid_path", "the path is not UTF-8", fix=fix) from error

    return admitted


def _unknown(user: str) -> Problem:
    return Problem(404, "unknown_user", f"there is no profile of {user!r}", fix=f"Create it: PUT /v1/users/{user}")
