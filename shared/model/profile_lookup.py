"""What stands at a path of a profile, for conditions."""

from __future__ import annotations

import msgspec

from shared.model.conditions import Lookup
from shared.model.profiles import Profile


def profile_lookup(profile: Profile | None) -> Lookup:
    """Finds `profile.locale` or `profile.addresses.email`; UNSET where there is nothing."""
    known: object = {} if profile is None else msgspec.to_builtins(profile)

    def lookup(path: str) -> object:
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
