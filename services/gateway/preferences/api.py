"""A user's own preferences over HTTP. Once it has answered, whatever is accepted later is decided by them."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from services.gateway.core.limits import MAX_PREFERENCES_BYTES
from services.gateway.identity import Identify, check_life
from services.gateway.inbox.api import PREFIX
from services.gateway.inbox.types import optional_types
from services.gateway.preferences.form import PreferencesForm, change, show
from services.gateway.problem_responses import problem_responses
from shared.catalog.cache import Catalog
from shared.http.bodies import read_body
from shared.http.json_bodies import require_uncompressed
from shared.http.pointers import pointer_to
from shared.http.problems import Problem
from shared.model import strict_json
from shared.model.errors import InvalidProfile
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.model.users import User
from shared.mongo import profiles as profile_store
from shared.mongo.database import Database

FIX: Final = "Nothing was stored. Correct the body as the errors say; the schema is at /openapi.json."


def preferences_routes(
    database: Database, writer: RecordWriter, topics: Topics, catalog: Catalog, identify: Identify
) -> APIRouter:
    """GET and PUT of one path."""
    routes = APIRouter(prefix=PREFIX, tags=["preferences"], responses=problem_responses(401, 429, 503))
    own = Depends(identify)

    @routes.get("/preferences", summary="Show your preferences")
    async def read(user: User = own) -> PreferencesForm:
        """What nobody has set is allowed."""
        profile = await profile_store.read(database, user.tenant, user.id)
        if profile is not None:
            check_life(user, profile)
        return show(profile or Profile(tenant=user.tenant, user=user.id), optional_types(catalog, user.tenant))

    schema = {"$ref": f"#/components/schemas/{PreferencesForm.__name__}"}
    body = {"content": {"application/json": {"schema": schema}}, "required": True}

    @routes.put(
        "/preferences",
        summary="Change your preferences",
        openapi_extra={"requestBody": body},
        responses=problem_responses(408, 413, 415, 422),
    )
    async def write(request: Request, user: User = own) -> PreferencesForm:
        """What is left out stays as it is; the answer is the whole."""
        require_uncompressed(request)
        form = _form(await read_body(request, MAX_PREFERENCES_BYTES))
        known = optional_types(catalog, user.tenant)

        def own(stored: Profile) -> Profile:
            check_life(user, stored)  # the body may have taken its time
            return change(stored, form, known)

        try:
            written = await profile_store.write(database, writer, topics, tenant=user.tenant, user=user.id, change=own)
        except InvalidProfile as error:
            pointers = [(error.pointer or "", error.detail)]
            raise Problem(422, error.code, error.detail, fix=FIX, pointers=pointers) from error
        return show(written, known)

    return routes


def _form(body: bytes) -> PreferencesForm:
    """Raises Problem 422 with every fault, or an Invalid of strict JSON."""
    try:
        return PreferencesForm.model_validate(strict_json.loads(body.removeprefix(BOM_UTF8)))
    except ValidationError as error:
        raise Problem(
            422,
            "invalid_preferences",
            "the preferences are not valid",
            fix=FIX,
            pointers=[(pointer_to(fault["loc"]), fault["msg"]) for fault in error.errors()],
        ) from error
