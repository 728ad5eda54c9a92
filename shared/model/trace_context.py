"""W3C Trace Context: the `traceparent` of a call or of an event."""

from __future__ import annotations

import re
from typing import Final

from shared.model.ids import derive

LONGEST: Final = 512
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?")


def traceparent(header: str | None) -> str | None:
    """A valid `traceparent` as it is; None for any other, which the specification asks to ignore.

    Only versions after 00 may say more than it does.
    """
    found = _TRACEPARENT.fullmatch(header) if header and len(header) <= LONGEST else None
    if header is None or found is None or (found["more"] and header.startswith("00")):
        return None
    return header


def new_traceparent(*parts: str) -> str:
    """A new trace that derives from `parts`: the same parts always start the same trace. Not sampled."""
    return f"00-{derive('trace', *parts).replace('-', '')}-{derive('span', *parts).replace('-', '')[:16]}-00"
