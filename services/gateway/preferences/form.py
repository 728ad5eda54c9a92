"""A profile's preferences as chat clients know them, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile
from shared.model.quiet_windows import QuietHours, Window, check_quiet_hours, clock_minutes

DEFAULT_WINDOW: Final = Window(start="22:00", until="08:00")
Types = Mapping[str, Sequence[str]]
"""The workflow keys of each notification type."""


class QuietHoursForm(BaseModel):
    """Every day from `start_time` (inclusive) to `end_time` (exclusive), local wall clock."""

    model_config = ConfigDict(extra="forbid")

    enabled: StrictBool
    start_time: StrictStr
    end_time: StrictStr
    timezone: StrictStr | None = Field(
        None, description="IANA; as shown, it goes on following the profile's; left out, it stays; null: the profile's"
    )


class PreferencesForm(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", title="NotificationPreferences")

    push_notifications: StrictBool | None = None
    email_notifications: StrictBool | None = None
    notification_types: dict[StrictStr, StrictBool] | None = None
    quiet_hours: QuietHoursForm | None = None


def show(profile: Profile, types: Types) -> PreferencesForm:
    """The form of a profile; what nobody has set is allowed."""
    preferences, hours = profile.preferences, profile.quiet_hours
    window = hours.windows[0] if hours and hours.windows else DEFAULT_WINDOW
    return PreferencesForm(
        push_notifications=preferences.channel_types.get("push", True),
        email_notifications=preferences.channel_types.get("email", True),
        notification_types={
            name: all(preferences.workflows.get(key, True) for key in keys) for name, keys in types.items()
        },
        quiet_hours=QuietHoursForm(
            enabled=bool(hours and hours.enabled and hours.windows),
            start_time=window.start,
            end_time=window.until,
            timezone=_zone_that_counts(profile),
        ),
    )


def change(profile: Profile, form: PreferencesForm, types: Types) -> Profile:
    """The profile with the form's entries. Raises InvalidProfile with a pointer into the form."""
    old = profile.preferences
    channels = {"push": form.push_notifications, "email": form.email_notifications}
    wanted = {name: allowed for name, allowed in channels.items() if allowed is not None}
    workflows: dict[str, bool] = {}
    for name, allowed in (form.notification_types or {}).items():
        if name not in types:
            known = ", ".join(sorted(types))
            raise InvalidProfile("invalid_notification_type", f"the types are {known}", "/notification_types")
        workflows |= dict.fromkeys(types[name], allowed)
    preferences = replace(old, workflows=old.workflows | workflows, channel_types=old.channel_types | wanted)
    hours = profile.quiet_hours if form.quiet_hours is None else _hours(profile, form.quiet_hours)
    return replace(profile, preferences=preferences, quiet_hours=hours)


def _hours(profile: Profile, form: QuietHoursForm) -> QuietHours:
    """What is switched off is not judged: if it makes no sense, the hours of before are switched off."""
    old = profile.quiet_hours
    try:
        return _checked_hours(old, form, _chosen_zone(profile, form))
    except InvalidProfile:
        if form.enabled:
            raise
    return QuietHours(windows=old.windows if old else (), enabled=False, zone=old.zone if old else None)


def _zone_that_counts(profile: Profile) -> str:
    hours = profile.quiet_hours
    return (hours and hours.zone) or profile.zone or "UTC"


def _chosen_zone(profile: Profile, form: QuietHoursForm) -> str | None:
    """A zone is stored only if it is chosen: a page that sends back what it was shown pins nothing."""
    old = profile.quiet_hours.zone if profile.quiet_hours else None
    if form.timezone is None:
        return None if "timezone" in form.model_fields_set else old
    if form.timezone == _zone_that_counts(profile):
        return old
    return None if form.timezone == profile.zone else form.timezone


def _checked_hours(old: QuietHours | None, form: QuietHoursForm, zone: str | None) -> QuietHours:
    """Several windows set by another API stay, as long as the one that is shown is not changed. Raises InvalidProfile."""
    for name in ("start_time", "end_time"):
        try:
            clock_minutes(getattr(form, name))
        except InvalidProfile as error:
            raise InvalidProfile(error.code, error.detail, f"/quiet_hours/{name}") from error
    window = Window(start=form.start_time, until=form.end_time)
    shown = old.windows[0] if old and old.windows else None
    same = shown is not None and (shown.start, shown.until) == (window.start, window.until)
    windows = old.windows if old and same else (window,)
    hours = QuietHours(windows=windows, enabled=form.enabled, zone=zone)
    try:
        check_quiet_hours(hours)
    except InvalidProfile as error:
        name = (
            "timezone"
            if error.code == "unknown_zone"
            else "start_time"
            if "/from" in (error.pointer or "")
            else "end_time"
        )
        raise InvalidProfile(error.code, error.detail, f"/quiet_hours/{name}") from error
    return hours
