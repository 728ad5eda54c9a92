"""Targets of the apprise channel: the operator names them, and a profile or an inline person says one of the names."""

from __future__ import annotations

import re
from typing import Final

from shared.model.addresses import AddressKind
from shared.model.errors import InvalidProfile

TARGET_NAME: Final = "[a-z][a-z0-9_-]{0,39}"
"""A letter first: no address of another kind begins like a name and is one, so an inline person's id is nobody else's."""
_NAME: Final = re.compile(TARGET_NAME)


def check_apprise_target(value: str, pointer: str) -> str:
    """A name, as it is; whether there is such a target is known when it is sent to. No URL: that would lead anywhere.

    Raises InvalidProfile, which does not show it.
    """
    if _NAME.fullmatch(value):
        return value
    raise InvalidProfile(
        "invalid_apprise",
        "write the name of a target, as oncall: a lower-case letter, then at most 39 of these, digits, - and _; its URL is "
        "a setting",
        pointer,
    )


APPRISE_TARGET: Final = AddressKind(
    name="apprise",
    check=check_apprise_target,
    schema={"type": "string", "pattern": f"^{TARGET_NAME}$", "description": "name of a target"},
    example="oncall",
)
