"""All that a user may choose, as it is stored: for settings pages that know the platform's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from services.gateway.core.limits import MAX_PREFERENCE_ENTRIES
from shared.model.channels import Channel
from shared.model.errors import InvalidProfile
from shared.model.profiles import DigestFrequency, Profile
from shared.model.quiet_windows import MAX_WINDOWS, WEEKDAYS, QuietHours, check_quiet_hours, clock_minutes
from shared.model.strict_json import escape
from shared.model.timestamps import DAY_MS, parse_rfc3339, rfc3339

MAX_MUTE_DAYS: Final = 366
_NAME: Final = re.compile(r"(?!\$)[^/]{1,200}")
_MUTE: Final = f"RFC 3339, at most {MAX_MUTE_DAYS} days ahead; until then nothing that is not critical. null: not muted"


class QuietTimes(BaseModel):
    """Local wall clock, start inclusive, end exclusive; may cross midnight."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: StrictStr = Field(alias="from", description="HH:MM, 00:00 to 23:59")
    until: StrictStr = Field(description="HH:MM, 00:00 to 24:00")
    days: list[StrictStr] = Field(list(WEEKDAYS), max_length=len(WEEKDAYS), description="the days it starts")


class WholeQuietHours(BaseModel):
    """When noisy channels wait."""

    model_config = ConfigDict(extra="forbid")

    windows: list[QuietTimes] = Field(max_length=MAX_WINDOWS)
    enabled: StrictBool = True
    zone: StrictStr | None = Field(None, description="IANA; null: the profile's")


_Flags = Annotated[dict[StrictStr, StrictBool | None], Field(max_length=MAX_PREFERENCE_ENTRIES)]


class WholePreferences(BaseModel):
    """What is left out stays as it is; null takes an entry back, so that the default counts."""

    model_config = ConfigDict(extra="forbid")

    categories: _Flags = Field({}, description="category to true or false")
    workflows: _Flags = Field({}, description="workflow key to true or false")
    channel_types: _Flags = Field({}, description="channel to true or false")
    digests: dict[StrictStr, DigestFrequency | None] = Field(
        {}, max_length=MAX_PREFERENCE_ENTRIES, description="workflow key, category or `*` to how often digests come"
    )
    quiet_hours: WholeQuietHours | None = Field(None, description="null: none")
    mute_until: StrictStr | None = Field(None, description=_MUTE)


class Mute(BaseModel):
    """Until when the user wants nothing that is not critical."""

    model_config = ConfigDict(extra="forbid")

    until: StrictStr | None = Field(description=_MUTE)


def show_whole(profile: Profile) -> WholePreferences:
    """All that the user has chosen; what is not there is as the defaults say."""
    chosen: dict[str, object] = msgspec.to_builtins(profile.preferences)
    if profile.quiet_hours is not None:
        chosen["quiet_hours"] = msgspec.to_builtins(profile.quiet_hours)
    return WholePreferences.model_validate({**chosen, "mute_until": show_mute(profile).until})


def show_mute(profile: Profile) -> Mute:
    """When it ends; a time that is over is shown, too."""
    return Mute(until=None if profile.mute_until is None else rfc3339(profile.mute_until))


def change_whole(profile: Profile, form: WholePreferences, now: int) -> Profile:
    """The profile with the form's entries; `now` in milliseconds. Raises InvalidProfile with a pointer into the form."""
    old = profile.preferences
    for name in form.channel_types:
        if name not in set(Channel) and name not in old.channel_types:
            detail = f"the channels are {', '.join(Channel)}"
            raise InvalidProfile("invalid_preferences", detail, f"/channel_types/{escape(name)}")
    changed = msgspec.structs.replace(
        profile,
        preferences=msgspec.structs.replace(
            old,
            categories=_merged("categories", old.categories, form.categories),
            workflows=_merged("workflows", old.workflows, form.workflows),
            channel_types=_merged("channel_types", old.channel_types, form.channel_types),
            digests=_merged("digests", old.digests, form.digests),
        ),
    )
    if "quiet_hours" in form.model_fields_set:
        changed = msgspec.structs.replace(changed, quiet_hours=_hours(form.quiet_hours))
    if "mute_until" in form.model_fields_set:
        changed = muted(changed, form.mute_until, now, "/mute_until")
    return changed


def muted(profile: Profile, until: str | None, now: int, pointer: str = "/until") -> Profile:
    """The profile, muted until then; None: not muted. `now` in milliseconds. Raises InvalidProfile."""
    at = None
    if until is not None:
        try:
            at = parse_rfc3339(until)
        except ValueError as error:
            raise InvalidProfile("invalid_time", str(error), pointer) from error
        if at > now + MAX_MUTE_DAYS * DAY_MS:
            raise InvalidProfile("invalid_time", f"more than {MAX_MUTE_DAYS} days ahead", pointer)
    return msgspec.structs.replace(profile, mute_until=at)


Value = TypeVar("Value")


def _merged(field: str, old: Mapping[str, Value], given: Mapping[str, Value | None]) -> dict[str, Value]:
    for name in given:
        if not _NAME.fullmatch(name) or not name.isprintable():
            detail = "a name has 1 to 200 printable characters, no / among them and no $ first"
            raise InvalidProfile("invalid_preferences", detail, f"/{field}/{escape(name[:200])}")
    merged = {**old, **{name: value for name, value in given.items() if value is not None}}
    for name in [name for name, value in given.items() if value is None]:
        merged.pop(name, None)
    if len(merged) > MAX_PREFERENCE_ENTRIES:
        detail = f"at most {MAX_PREFERENCE_ENTRIES} entries are kept: take some back with null"
        raise InvalidProfile("invalid_preferences", detail, f"/{field}")
    return merged


def _hours(form: WholeQuietHours | None) -> QuietHours | None:
    if form is None:
        return None
    for position, window in enumerate(form.windows):
        for name, text in (("from", window.start), ("until", window.until)):
            try:
                clock_minutes(text)
            except InvalidProfile as error:
                pointer = f"/quiet_hours/windows/{position}/{name}"
                raise InvalidProfile(error.code, error.detail, pointer) from error
    hours = msgspec.convert(form.model_dump(by_alias=True), QuietHours)
    check_quiet_hours(hours)
    return hours
