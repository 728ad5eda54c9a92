"""A user's own devices over HTTP. A device is one user's: registering it takes it from who had it before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from services.gateway.core.limits import MAX_PREFERENCES_BYTES
from services.gateway.devices.form import (
    DeviceForm,
    OwnDevice,
    OwnDevices,
    entry_of,
    show_device,
    with_device,
    without_device,
)
from services.gateway.forms import FIX, read_form, takes
from services.gateway.identity import Identify, check_life
from services.gateway.inbox.api import PREFIX
from services.gateway.inbox.responses import ChangeResponse
from services.gateway.problem_responses import problem_responses
from shared.http.problems import Problem
from shared.model.devices import device_id
from shared.model.errors import InvalidProfile
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.topics import Topics
from shared.model.users import User
from shared.mongo import profiles as profile_store
from shared.mongo.database import Database
from shared.mongo.device_owners import DeviceOwners


def device_routes(database: Database, writer: RecordWriter, topics: Topics, identify: Identify) -> APIRouter:
    """GET, PUT and DELETE."""
    routes = APIRouter(prefix=PREFIX, tags=["devices"], responses=problem_responses(401, 422, 429, 503))
    owners = DeviceOwners(database, writer, topics)
    own = Depends(identify)

    async def write(user: User, change: profile_store.ProfileChange) -> Profile:
        def change_if_theirs(stored: Profile) -> Profile:
            check_life(user, stored)  # the body may have taken its time
            return change(stored)

        try:
            return await profile_store.write(
                database, writer, topics, tenant=user.tenant, user=user.id, change=change_if_theirs
            )
        except InvalidProfile as error:
            raise _refused(error) from error

    @routes.get("/devices", summary="List your devices")
    async def read(user: User = own) -> OwnDevices:
        """Those that push messages reach, and what else your apps have registered."""
        profile = await profile_store.read(database, user.tenant, user.id)
        if profile is None:
            return OwnDevices(devices=[])
        check_life(user, profile)
        return OwnDevices(devices=[show_device(each) for each in profile.devices])

    @routes.put("/devices", summary="Register a device, or change what is known of it", **takes(DeviceForm))
    async def register(request: Request, user: User = own) -> OwnDevice:
        """By its token. Once this has answered it is yours alone; it may be repeated."""
        form = await read_form(request, DeviceForm, MAX_PREFERENCES_BYTES)
        try:
            entry = entry_of(form)
        except InvalidProfile as error:
            raise _refused(error) from error
        await write(user, lambda stored: with_device(stored, entry))
        # Behind the own one: two who register it at the same time both lose it rather than both have it.
        await owners.take_from_others(user.tenant, user.id, entry)
        return show_device(entry)

    @routes.delete("/devices/{device_id}", summary="Remove a device", responses=problem_responses(404))
    async def remove(
        wanted: Annotated[str, Path(alias="device_id", max_length=64)], user: User = own
    ) -> ChangeResponse:
        """Nothing is pushed to it any more that is decided from now on."""
        there = False

        def change(stored: Profile) -> Profile:
            nonlocal there
            if stored.version == 0 or stored.deleted:
                raise _unknown()
            there = any(device_id(each) == wanted for each in stored.devices)
            return without_device(stored, wanted)

        # Written even if it is gone: repeating a call that was cut short completes it.
        await write(user, change)
        if not there:
            raise _unknown()
        return ChangeResponse(message="Device removed")

    return routes


def _refused(error: InvalidProfile) -> Problem:
    return Problem(422, error.code, error.detail, fix=FIX, pointers=[(error.pointer or "", error.detail)])


def _unknown() -> Problem:
    return Problem(404, "unknown_device", "Device not found", fix=f"GET {PREFIX}/devices lists what there is.")
