"""What stands at a path of a profile, for conditions on whole audiences."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model.channels import ADDRESS_KINDS
from shared.model.conditions import Lookup
from shared.model.errors import InvalidWorkflow
from shared.model.profiles import Profile

PROFILE_NAMES: Final = ("id", "name", "locale", "zone", "addresses")
"""What conditions know of a profile, of an audience's members and in steps."""


def check_profile_clause(path: str, wanted: object, pointer: str) -> None:
    """Raises InvalidWorkflow where `profile.addresses`, a list, is asked for what holds of no list."""
    if path != "profile.addresses":
        return
    asked = wanted if isinstance(wanted, dict) else {}
    if not asked or asked.keys() - {"contains", "exists"} or asked.get("contains", "email") not in ADDRESS_KINDS:
        kinds = ", ".join(ADDRESS_KINDS)
        raise InvalidWorkflow("invalid_condition", f"write {path}: {{contains: email}}; the kinds are {kinds}", pointer)


def profile_lookup(profile: Profile | None) -> Lookup:
    """Finds PROFILE_NAMES as steps do, and what stands below `profile.addresses`, `profile.preferences`; else UNSET."""
    known: dict[str, object] = {} if profile is None else msgspec.to_builtins(profile) | {"id": profile.user}

    def lookup(path: str) -> object:
        if path == "profile.addresses" and profile is not None:
            return sorted(profile.addresses)
        root, *names = path.split(".")
        if root != "profile":
            return msgspec.UNSET
        value: object = known
        for position, name in enumerate(names):
            if not isinstance(value, dict):
                return msgspec.UNSET
            rest = ".".join(names[position:])  # workflow keys have dots in them
            if rest in value:
                return value[rest]
            value = value.get(name, msgspec.UNSET)
        return value

    return lookup
