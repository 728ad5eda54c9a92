"""Profiles as the API reads and shows them (pure)."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from services.ingest.faults import Faults, require_object
from shared.model import webhook_secrets
from shared.model.addresses import check_locale, check_name
from shared.model.channels import ADDRESS_KINDS
from shared.model.errors import InvalidProfile
from shared.model.profiles import Preferences, Profile
from shared.model.quiet_windows import QuietHours, Window, check_quiet_hours, check_zone
from shared.model.strict_json import escape

FIELDS: Final = ("addresses", "devices", "name", "locale", "zone", "preferences", "quiet_hours")
MAX_DEVICES: Final = 20
MAX_DEVICE_FIELDS: Final = 10
MAX_DEVICE_TEXT: Final = 4096
MAX_ENTRIES: Final = 500
MAX_WINDOWS: Final = 50
_PREFERENCE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")

T = TypeVar("T")


def parse_profile(value: Any, tenant: str, user: str) -> Profile:
    """The profile in a decoded body. Raises InvalidFields with everything that is wrong with it."""
    body, faults = require_object(value), Faults()
    faults.unknown_fields(body, FIELDS)
    fields: dict[str, Any] = {"addresses": _addresses(body.get("addresses"), faults)}
    fields["devices"] = _devices(body.get("devices"), faults)
    for name, check in (("name", check_name), ("locale", check_locale), ("zone", check_zone)):
        fields[name] = _text(body, name, faults)
        if fields[name] is not None:
            faults.attempt(check, fields[name], f"/{name}")
    fields["preferences"] = _preferences(body.get("preferences"), faults) or Preferences()
    fields["quiet_hours"] = _quiet_hours(body.get("quiet_hours"), faults)
    faults.settle()
    return Profile(tenant=tenant, user=user, **fields)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: `null` removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def body_of(profile: Profile) -> dict[str, Any]:
    """The profile as a body of PUT; what PATCH merges into."""
    whole = msgspec.to_builtins(profile)
    return {name: whole[name] for name in FIELDS if name in whole}


def shown(profile: Profile, master: str) -> dict[str, Any]:
    """What GET shows; `webhook_secret` verifies the signatures of what comes to the profile's webhook."""
    url = profile.addresses.get("webhook")
    secret = {"webhook_secret": webhook_secrets.secret(master, profile.tenant, url)} if url else {}
    return {"id": profile.user, "version": profile.version, **body_of(profile), **secret}


def _text(body: dict[str, Any], name: str, faults: Faults) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    faults.add(f"/{name}", "a string")
    return None


def _addresses(value: Any, faults: Faults) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        faults.add("/addresses", f"an object with {', '.join(ADDRESS_KINDS)}")
        return {}
    faults.unknown_fields(value, ADDRESS_KINDS, "/addresses")
    found: dict[str, str] = {}
    for name, kind in ADDRESS_KINDS.items():
        address = value.get(name)
        if isinstance(address, str):
            faults.attempt(kind.check, address, f"/addresses/{name}")
            found[name] = address
        elif address is not None:
            faults.add(f"/addresses/{name}", "a string")
    return found


def _devices(value: Any, faults: Faults) -> tuple[dict[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_DEVICES:
        faults.add("/devices", f"a list of at most {MAX_DEVICES} objects")
        return ()
    for position, device in enumerate(value):
        texts = [*device, *device.values()] if isinstance(device, dict) else [None]
        short = all(isinstance(text, str) and len(text) <= MAX_DEVICE_TEXT for text in texts)
        if not short or not 1 <= len(device) <= MAX_DEVICE_FIELDS:
            faults.add(f"/devices/{position}", f"an object of 1 to {MAX_DEVICE_FIELDS} short strings")
    return tuple(value)


def _preferences(value: Any, faults: Faults) -> Preferences | None:
    found = _converted(value, Preferences, "/preferences", faults)
    if found is None:
        return None
    faults.unknown_fields(value, Preferences.__struct_fields__, "/preferences")
    for field in Preferences.__struct_fields__:
        entries: dict[str, bool] = getattr(found, field)
        if len(entries) > MAX_ENTRIES:
            faults.add(f"/preferences/{field}", f"at most {MAX_ENTRIES} entries")
        for name in entries:
            if not _PREFERENCE_NAME.fullmatch(name):
                faults.add(f"/preferences/{field}/{escape(name[:100])}", "letters, digits, `_`, `-` and `.`")
    return found


def _quiet_hours(value: Any, faults: Faults) -> QuietHours | None:
    found = _converted(value, QuietHours, "/quiet_hours", faults)
    if found is None:
        return None
    faults.unknown_fields(value, QuietHours.__struct_fields__, "/quiet_hours")
    for position, window in enumerate(value["windows"]):
        faults.unknown_fields(window, Window.__struct_encode_fields__, f"/quiet_hours/windows/{position}")
    if len(found.windows) > MAX_WINDOWS:
        faults.add("/quiet_hours/windows", f"at most {MAX_WINDOWS} windows")
        return None
    try:
        check_quiet_hours(found)
    except InvalidProfile as error:
        faults.add(error.pointer or "/quiet_hours/windows", error.detail)
    return found


def _converted(value: Any, kind: type[T], pointer: str, faults: Faults) -> T | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `")
        names = path.rstrip("`").removeprefix("$").replace("[...]", "").replace(".", "/")
        faults.add(pointer + re.sub(r"\[(\d+)\]", r"/\1", names), text)
        return None
