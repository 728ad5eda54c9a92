"""The user that a credential names."""

from __future__ import annotations

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end: both parts come from the credential. `expires_at` in seconds since the epoch."""

    tenant: str
    id: str
    expires_at: float
