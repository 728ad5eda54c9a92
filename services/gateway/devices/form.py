"""A device as its user's app registers it, and as it is shown: without what reaches it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.model.devices import (
    MAX_ADDRESS,
    MAX_DEVICE_FIELDS,
    MAX_DEVICES,
    Platform,
    WebPushSubscription,
    address_of,
    device_id,
)
from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile

SECRETS: Final = frozenset({"token", *WebPushSubscription.__struct_fields__})


class DeviceForm(BaseModel):
    """`token` for fcm and apns; `endpoint`, `p256dh` and `auth` for webpush. What else is in it is the app's own."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {"type": "string"}})

    platform: Platform
    token: str | None = Field(None, max_length=MAX_ADDRESS)
    endpoint: str | None = Field(None, max_length=MAX_ADDRESS)
    p256dh: str | None = Field(None, max_length=MAX_ADDRESS)
    auth: str | None = Field(None, max_length=MAX_ADDRESS)
    zone: str | None = Field(None, max_length=MAX_ADDRESS, description="IANA, as Europe/Berlin: quiet hours go by it")

    @model_validator(mode="before")
    @classmethod
    def _check_fields(cls, value: Any) -> Any:
        if isinstance(value, dict) and not (
            len(value) <= MAX_DEVICE_FIELDS
            and all(isinstance(text, str) and len(text) <= MAX_ADDRESS for text in value.values())
            and all(len(name) <= MAX_ADDRESS and not name.startswith("$") for name in value)
        ):
            raise ValueError(
                f"must be an object of 1 to {MAX_DEVICE_FIELDS} strings, each of at most {MAX_ADDRESS} characters, "
                "no name beginning with $"
            )
        return value


class OwnDevice(BaseModel):
    """A device of yours. Its token is not shown."""

    id: str
    platform: str | None
    details: dict[str, str]
    """What else your app said of it."""


class OwnDevices(BaseModel):
    """All of them, in the order in which they were registered."""

    devices: list[OwnDevice]


def entry_of(form: DeviceForm) -> dict[str, str]:
    """The device as a profile has it. Raises InvalidProfile when push could not reach it."""
    entry = {name: str(text) for name, text in form.model_dump(exclude_none=True).items()}
    if address_of(entry) is None:
        detail = "fcm and apns need their `token`, webpush its `endpoint` (https), `p256dh` and `auth`"
        raise InvalidProfile("invalid_device", detail, "/endpoint" if form.platform is Platform.WEBPUSH else "/token")
    return entry


def with_device(profile: Profile, entry: dict[str, str]) -> Profile:
    """The profile with the device: in the place of the one that it is, else behind the others. Raises InvalidProfile."""
    own = device_id(entry)
    known = [device_id(each) for each in profile.devices]
    if own in known:
        devices = [entry if at == known.index(own) else each for at, each in enumerate(profile.devices)]
        devices = [each for at, each in enumerate(devices) if known[at] != own or at == known.index(own)]
    else:
        devices = [*profile.devices, entry]
    if len(devices) > MAX_DEVICES and len(devices) > len(profile.devices):
        raise InvalidProfile("too_many_devices", f"you have {MAX_DEVICES} devices, and may have no more", "")
    return msgspec.structs.replace(profile, devices=tuple(devices))


def without_device(profile: Profile, wanted: str) -> Profile:
    """The profile without the device of that id."""
    return msgspec.structs.replace(
        profile, devices=tuple(each for each in profile.devices if device_id(each) != wanted)
    )


def show_device(entry: dict[str, str]) -> OwnDevice:
    """Without what reaches it."""
    details = {name: text for name, text in entry.items() if name != "platform" and name not in SECRETS}
    return OwnDevice(id=device_id(entry), platform=entry.get("platform"), details=details)
