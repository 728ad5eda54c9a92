"""JSON pointers (RFC 6901) to what pydantic found wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model.strict_json import escape

WRONG_KEY: Final = "[key]"
"""What pydantic puts behind the name of an entry whose name itself is wrong."""
MAX_TOKEN: Final = 100
"""Characters of a name that a pointer repeats."""


def pointer_to(location: Iterable[str | int]) -> str:
    """The pointer to a place as pydantic names it (`loc`); empty for the whole."""
    parts = list(location)
    if parts and parts[-1] == WRONG_KEY:
        parts.pop()
    return "".join(f"/{escape(str(part)[:MAX_TOKEN])}" for part in parts)
