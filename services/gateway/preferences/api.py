"""A user's own preferences over HTTP. Once it has answered, whatever is accepted later is decided by them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from services.gateway.core.limits import MAX_PREFERENCES_BYTES
from services.gateway.forms import FIX, BodyForm, read_form, takes
from services.gateway.identity import Identify, check_life
from services.gateway.inbox.api import PREFIX
from services.gateway.inbox.types import optional_types
from services.gateway.preferences.form import PreferencesForm, change, show
from services.gateway.preferences.whole import (
    Mute,
    WholePreferences,
    change_whole,
    muted,
    show_mute,
    show_whole,
)
from services.gateway.problem_responses import problem_responses
from shared.catalog.cache import Catalog
from shared.http.problems import Problem
from shared.model.errors import InvalidProfile
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.model.users import User
from shared.mongo import profiles as profile_store
from shared.mongo.database import Database
from shared.process.clock import now_ms


def preferences_routes(
    database: Database, writer: RecordWriter, topics: Topics, catalog: Catalog, identify: Identify
) -> APIRouter:
    """The form that chat clients know, all that a user may choose, and muting."""
    routes = APIRouter(prefix=PREFIX, tags=["preferences"], responses=problem_responses(401, 429, 503))
    own = Depends(identify)

    @routes.get("/preferences", summary="Show your preferences")
    async def read(user: User = own) -> PreferencesForm:
        """What nobody has set is allowed."""
        return show(await own_profile(user), optional_types(catalog, user.tenant))

    async def store(user: User, change_own: profile_store.ProfileChange) -> Profile:
        """What the user's profile is after the change. Raises Problem 401 or 422."""

        def change_if_theirs(stored: Profile) -> Profile:
            check_life(user, stored)  # the body may have taken its time
            return change_own(stored)

        try:
            return await profile_store.write(
                database, writer, topics, tenant=user.tenant, user=user.id, change=change_if_theirs
            )
        except InvalidProfile as error:
            pointers = [(error.pointer or "", error.detail)]
            raise Problem(422, error.code, error.detail, fix=FIX, pointers=pointers) from error

    async def own_profile(user: User) -> Profile:
        profile = await profile_store.read(database, user.tenant, user.id)
        if profile is not None:
            check_life(user, profile)
        return profile or Profile(tenant=user.tenant, user=user.id)

    @routes.put("/preferences", summary="Change your preferences", **takes(PreferencesForm))
    async def write(request: Request, user: User = own) -> PreferencesForm:
        """What is left out stays as it is; the answer is the whole."""
        form = await _body(request, PreferencesForm)
        known = optional_types(catalog, user.tenant)
        return show(await store(user, lambda stored: change(stored, form, known)), known)

    @routes.get("/preferences/all", summary="Show all that you have chosen")
    async def read_all(user: User = own) -> WholePreferences:
        """Only what somebody has set; the rest is as the defaults say."""
        return show_whole(await own_profile(user))

    @routes.put("/preferences/all", summary="Change all that you may choose", **takes(WholePreferences))
    async def write_all(request: Request, user: User = own) -> WholePreferences:
        """What is left out stays as it is, null takes an entry back; the answer is the whole."""
        form = await _body(request, WholePreferences)
        return show_whole(await store(user, lambda stored: change_whole(stored, form, now_ms())))

    @routes.put("/preferences/mute", summary="Mute all that is not critical", **takes(Mute))
    async def mute(request: Request, user: User = own) -> Mute:
        """Until the time given, which lies at most 366 days ahead."""
        wanted = await _body(request, Mute)
        return show_mute(await store(user, lambda stored: muted(stored, wanted.until, now_ms())))

    @routes.delete("/preferences/mute", summary="End your mute")
    async def unmute(user: User = own) -> Mute:
        """Also where there is none."""
        return show_mute(await store(user, lambda stored: muted(stored, None, now_ms())))

    return routes


async def _body(request: Request, model: type[BodyForm]) -> BodyForm:
    """Raises what `read_form` does."""
    return await read_form(
        request, model, MAX_PREFERENCES_BYTES, code="invalid_preferences", detail="the preferences are not valid"
    )
