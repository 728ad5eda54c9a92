"""Each webhook endpoint's own secret, derived from a master, so that nothing is stored; two while one follows the other.

Form: Standard Webhooks 1.0, `whsec_` and base64.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final

from shared.model.ids import SEPARATOR

PREFIX: Final = "whsec_"
MIN_MASTER: Final = 24


def masters(text: str) -> tuple[str, ...]:
    """The masters of a setting, the newest first: each signs, and the first one's secrets are shown.

    Raises ValueError for one that is too short, or none.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or min(map(len, found)) < MIN_MASTER:
        raise ValueError(f"Value should have at least {MIN_MASTER} characters; of several, comma separated, each")
    return found


def secret(master: str, tenant: str, url: str) -> str:
    """The secret that deliveries of `tenant` to `url` are signed with; who owns the endpoint gets to see it."""
    digest = hmac.digest(master.encode(), f"{tenant}{SEPARATOR}{url}".encode(), sha256)
    return PREFIX + b64encode(digest).decode()


def signing_key(text: str) -> bytes:
    """The bytes to sign with. Raises ValueError when `text` is no such secret."""
    return b64decode(text.removeprefix(PREFIX), validate=True)
