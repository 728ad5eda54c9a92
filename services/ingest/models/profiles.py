"""Bodies of `/v1/users/{id}`: a profile as the API reads and shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from pydantic import ConfigDict, Field, StrictBool, ValidationError, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from services.ingest.models.body import Body, read
from services.ingest.models.fields import MAX_ENTRIES, Clock, Locale, Name, PreferenceName, Zone, field_error
from services.ingest.models.people import Addresses
from shared.model import webhook_secrets
from shared.model.channels import ADDRESS_KINDS
from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile
from shared.model.quiet_windows import MOST_WINDOWS, WEEKDAYS, QuietHours, check_quiet_hours

MAX_DEVICES: Final = 20
MAX_DEVICE_FIELDS: Final = 10
MAX_DEVICE_TEXT: Final = 4096
EXAMPLE: Final[dict[str, Any]] = {
    "addresses": {"email": "ada@example.com", "webhook": "https://example.com/hooks/ada"},
    "name": "Ada",
    "locale": "en",
    "zone": "Europe/Berlin",
    "preferences": {"categories": {"marketing": False}},
    "quiet_hours": {"windows": [{"from": "22:00", "until": "07:00"}]},
}


def _whole_device(value: Any, validate: Callable[[Any], dict[str, str]]) -> dict[str, str]:
    try:
        return validate(value)
    except ValidationError as error:
        detail = f"must be an object of 1 to {MAX_DEVICE_FIELDS} strings, each of at most {MAX_DEVICE_TEXT} characters"
        raise PydanticCustomError("invalid", "{detail}", {"detail": detail}) from error


_Text = Annotated[str, Field(max_length=MAX_DEVICE_TEXT)]
Device = Annotated[dict[_Text, _Text], Field(min_length=1, max_length=MAX_DEVICE_FIELDS), WrapValidator(_whole_device)]
Flags = Annotated[dict[PreferenceName, StrictBool], Field(max_length=MAX_ENTRIES)]


class PreferenceSet(Body):
    """An entry that is missing allows; one that is false forbids."""

    categories: Flags = Field({}, description="name to true or false")
    workflows: Flags = Field({}, description="workflow key to true or false")
    channel_types: Flags = Field({}, description="channel to true or false")


class QuietWindow(Body):
    """Local wall clock, start inclusive, end exclusive; may cross midnight."""

    start: Clock = Field(alias="from", description="HH:MM, 00:00 to 23:59")
    until: Clock = Field(description="HH:MM, 00:00 to 24:00")
    days: list[str] = Field(
        list(WEEKDAYS),
        description=f"the days it starts: {', '.join(WEEKDAYS)}",
        json_schema_extra={"items": {"enum": list(WEEKDAYS)}},
    )


class QuietHoursBody(Body):
    """When noisy channels wait."""

    windows: list[QuietWindow] = Field(max_length=MOST_WINDOWS, description="a list of {from, until, days}")
    enabled: StrictBool = True
    zone: Zone | None = Field(None, description="an IANA time zone, as Europe/Berlin; else the profile's")

    @model_validator(mode="after")
    def _make_sense(self) -> QuietHoursBody:
        try:
            check_quiet_hours(msgspec.convert(self.model_dump(by_alias=True), QuietHours))
        except InvalidProfile as error:
            pointer = (error.pointer or "/quiet_hours/windows").removeprefix("/quiet_hours")
            raise field_error(InvalidProfile(error.code, error.detail, pointer)) from error
        return self


class ProfileBody(Body):
    """What is known of a user."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    addresses: Addresses | None = Field(None, description=", ".join(ADDRESS_KINDS))
    devices: list[Device] | None = Field(None, max_length=MAX_DEVICES, description=f"at most {MAX_DEVICES} objects")
    name: Name | None = None
    locale: Locale | None = None
    zone: Zone | None = None
    preferences: PreferenceSet | None = Field(None, description="categories, workflows, channel_types")
    quiet_hours: QuietHoursBody | None = Field(None, description="when noisy channels wait")


class ProfilePatch(Body):
    """A part of a profile (RFC 7386): null removes, objects merge, everything else replaces."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"zone": "Europe/Paris", "quiet_hours": None}]}
    )


class StoredProfile(ProfileBody):
    """A profile as it is stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "ada", "version": 3, **EXAMPLE}]})

    id: str
    version: int = Field(description="grows with every write, also over a deletion")
    webhook_secret: str = Field(
        "", description="verifies the signatures of what comes to the profile's webhook; only if it has one"
    )


def read_profile(value: Any, tenant: str, user: str) -> Profile:
    """The profile in a decoded body. Raises InvalidFields with everything that is wrong with it."""
    body = read(ProfileBody, value).model_dump(by_alias=True, exclude_none=True)
    return msgspec.convert({**body, "tenant": tenant, "user": user}, Profile)


def body_of(profile: Profile) -> dict[str, Any]:
    """The profile as a body of PUT; what PATCH merges into."""
    whole = msgspec.to_builtins(profile)
    return {name: whole[name] for name in ProfileBody.model_fields if name in whole}


def shown(profile: Profile, master: str) -> dict[str, Any]:
    """What GET shows; `webhook_secret` verifies the signatures of what comes to the profile's webhook."""
    url = profile.addresses.get("webhook")
    secret = {"webhook_secret": webhook_secrets.secret(master, profile.tenant, url)} if url else {}
    return {"id": profile.user, "version": profile.version, **body_of(profile), **secret}
