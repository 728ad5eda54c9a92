"""User ids and tenant names: what may stand in them."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from shared.model.errors import Invalid, InvalidEvent

MAX_USER_ID: Final = 200
TENANT: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"

_TENANT = re.compile(TENANT)


def is_user_id(user: object) -> TypeGuard[str]:
    """Whether it is a string of 1 to 200 printable characters."""
    return isinstance(user, str) and 1 <= len(user) <= MAX_USER_ID and user.isprintable()


def check_user_id(user: object, pointer: str) -> str:
    """A user id: 1 to 200 printable characters. Raises Invalid."""
    if not is_user_id(user):
        raise Invalid("invalid_user_id", f"a user id is a string of 1 to {MAX_USER_ID} printable characters", pointer)
    return user


def check_tenant(tenant: str) -> str:
    """A tenant's name: lower-case letters, digits, - and _. Raises InvalidEvent."""
    if not _TENANT.fullmatch(tenant):
        raise InvalidEvent("invalid_tenant", "a tenant is 1 to 64 lower-case letters, digits, - and _", "/tenant")
    return tenant
