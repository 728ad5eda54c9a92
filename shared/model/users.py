"""The user that a credential names."""

from __future__ import annotations

import msgspec

from shared.model.lives import Life


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end: both parts come from the credential. `expires_at` in seconds since the epoch."""

    tenant: str
    id: str
    expires_at: float
    issued_at: float = 0.0
    """Seconds since the epoch."""
    life: int = 0
    """Which of those who have had the id."""


def in_life(user: User, life: Life) -> User | None:
    """The user in their current life; None when the token is of an earlier one.

    A token says only the second: of the second in which the user was deleted none is good.
    """
    if life.number and int(user.issued_at) <= life.since // 1000:
        return None
    return msgspec.structs.replace(user, life=life.number)
