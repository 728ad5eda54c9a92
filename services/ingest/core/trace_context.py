"""W3C Trace Context."""

from __future__ import annotations

import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def traceparent(header: str | None) -> str | None:
    """The `traceparent` header; one that is not valid is ignored, as the specification asks for."""
    return header if header and len(header) <= 512 and _TRACEPARENT.fullmatch(header) else None
