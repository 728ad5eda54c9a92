"""Bodies of `/v1/users/{id}`: a profile as the API reads and shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.ingest.models.body import Body, InvalidFields, check_size, read
from services.ingest.models.fields import (
    MAX_ENTRIES,
    CategoryKey,
    Clock,
    Locale,
    Name,
    PreferenceName,
    Time,
    Zone,
    field_error,
    written_time,
)
from services.ingest.models.people import Addresses
from shared.http.pointers import pointer_to
from shared.model import webhook_secrets
from shared.model.channels import ADDRESS_KINDS, Channel
from shared.model.devices import MAX_DEVICE_FIELDS, MAX_DEVICES
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import InvalidProfile
from shared.model.profiles import DigestFrequency, Profile
from shared.model.quiet_windows import MAX_WINDOWS, WEEKDAYS, QuietHours, check_quiet_hours

MAX_DEVICE_TEXT: Final = 4096
MAX_VALUES: Final = 5_000
"""Values in one body; a profile with everything has fewer."""
KEPT_BY_PUT: Final = ("preferences", "quiet_hours", "mute_until", "devices")
"""What a user or their apps set."""
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
        detail = (
            f"must be an object of 1 to {MAX_DEVICE_FIELDS} strings, each of at most {MAX_DEVICE_TEXT} characters, "
            "no name beginning with $"
        )
        raise PydanticCustomError("invalid", "{detail}", {"detail": detail}) from error


def _count_entries(value: object) -> object:
    """Before any of them is looked at: pydantic counts a dictionary when it has read all of it."""
    if isinstance(value, dict) and len(value) > MAX_ENTRIES:
        detail = f"has {len(value)} entries, at most {MAX_ENTRIES} are taken"
        raise PydanticCustomError("invalid", "{detail}", {"detail": detail})
    return value


def _check_device_field(name: str) -> str:
    if name.startswith("$") or "\0" in name:  # the database would take it for a reference, or not at all
        raise ValueError(name)
    return name


_Text = Annotated[str, Field(max_length=MAX_DEVICE_TEXT)]
Device = Annotated[
    dict[Annotated[_Text, AfterValidator(_check_device_field)], _Text],
    Field(min_length=1, max_length=MAX_DEVICE_FIELDS),
    WrapValidator(_whole_device),
]
Entry = TypeVar("Entry")
Limited = Annotated[Entry, Field(json_schema_extra={"maxProperties": MAX_ENTRIES}), BeforeValidator(_count_entries)]


class PreferenceSet(Body):
    """An entry that is missing allows; one that is false forbids."""

    categories: Limited[dict[CategoryKey, StrictBool]] = Field({}, description="name to true or false")
    workflows: Limited[dict[PreferenceName, StrictBool]] = Field({}, description="workflow key to true or false")
    channel_types: Limited[dict[PreferenceName, StrictBool]] = Field({}, description="channel to true or false")
    digests: Limited[dict[CategoryKey, DigestFrequency]] = Field(
        {}, description=f"workflow key, category or `*` to one of {', '.join(DigestFrequency)}"
    )


class QuietWindow(Body):
    """Local wall clock, start inclusive, end exclusive; may cross midnight."""

    start: Clock = Field(alias="from", description="HH:MM, 00:00 to 23:59")
    until: Clock = Field(description="HH:MM, 00:00 to 24:00")
    days: list[str] = Field(
        list(WEEKDAYS),
        max_length=len(WEEKDAYS),
        description=f"the days it starts: {', '.join(WEEKDAYS)}",
        json_schema_extra={"items": {"enum": list(WEEKDAYS)}},
    )


class QuietHoursBody(Body):
    """When noisy channels wait."""

    windows: list[QuietWindow] = Field(max_length=MAX_WINDOWS, description="a list of {from, until, days}")
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
    preferences: PreferenceSet | None = Field(None, description="categories, workflows, channel_types, digests")
    quiet_hours: QuietHoursBody | None = Field(None, description="when noisy channels wait")
    mute_until: Time | None = Field(
        None, description="until then nothing that is not critical; at most 366 days ahead. null: not muted"
    )


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


def read_put(value: Any, tenant: str, user: str, now: int) -> Callable[[Profile], Profile]:
    """What a body of PUT makes of a stored profile. Raises InvalidFields with everything that is wrong with it.

    What a producer owns is replaced. What the user chose, and the devices that their apps named, stay unless the body
    names them: a nightly import knows nothing of them.
    """
    check_size(value, MAX_VALUES)
    body = read(ProfileBody, value, {"now": now})
    wanted = _profile(body, tenant, user)
    kept = [name for name in KEPT_BY_PUT if name not in body.model_fields_set]

    def change(stored: Profile) -> Profile:
        check_channels(wanted, stored)
        return msgspec.structs.replace(wanted, **{name: getattr(stored, name) for name in kept})

    return change


def read_profile(value: Any, tenant: str, user: str, now: int) -> Profile:
    """The profile in a decoded body. Raises InvalidFields with everything that is wrong with it."""
    check_size(value, MAX_VALUES)
    return _profile(read(ProfileBody, value, {"now": now}), tenant, user)


def _profile(body: ProfileBody, tenant: str, user: str) -> Profile:
    whole = body.model_dump(by_alias=True, exclude_none=True)
    return msgspec.convert({**whole, "tenant": tenant, "user": user}, Profile)


def check_channels(wanted: Profile, stored: Profile) -> None:
    """Raises InvalidFields for a channel that does not exist, unless it is stored: refusing it would do nothing."""
    names = wanted.preferences.channel_types.keys() - set(Channel) - stored.preferences.channel_types.keys()
    faults = [
        (
            pointer_to(("preferences", "channel_types", name)),
            f"is no channel{did_you_mean(name, Channel)}; the channels are {', '.join(Channel)}",
        )
        for name in sorted(names)
    ]
    if faults:
        raise InvalidFields("invalid_request", "channel_types names what is no channel", faults)


def body_of(profile: Profile) -> dict[str, Any]:
    """The profile as a body of PUT; what PATCH merges into."""
    whole = msgspec.to_builtins(profile)
    if profile.mute_until is not None:
        whole["mute_until"] = written_time(profile.mute_until)
    return {name: whole[name] for name in ProfileBody.model_fields if name in whole}


def shown(profile: Profile, master: str) -> dict[str, Any]:
    """What GET shows; `webhook_secret` verifies the signatures of what comes to the profile's webhook."""
    url = profile.addresses.get("webhook")
    secret = {"webhook_secret": webhook_secrets.secret(master, profile.tenant, url)} if url else {}
    return {"id": profile.user, "version": profile.version, **body_of(profile), **secret}
