"""What an event is about, and when it happened: a newer one of the same key replaces an older one."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.model.data_times import instant_of

MAX_COLLAPSE_KEY: Final = 200
"""Characters; a longer one is known by its hash."""
MAX_AHEAD_MS: Final = 5 * 60_000
"""How far a producer's clock may be ahead; further ahead it says nothing."""


def collapse_key_of(value: object) -> str | None:
    """The key that a value of the data makes: a text or a number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    key = str(value)
    return key if len(key) <= MAX_COLLAPSE_KEY else f"sha256:{sha256(key.encode()).hexdigest()}"


def event_time_of(time: str | None, accepted_at: int) -> int | None:
    """Milliseconds since the epoch of a CloudEvent's `time`; None where there is none, or one that lies ahead."""
    at = instant_of(time)
    return at if at is not None and at <= accepted_at + MAX_AHEAD_MS else None
