"""Which language of a few a reader wants (RFC 9110 12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
MAX_RANGES: Final = 20


def preferred(accepted: str, known: Iterable[str], otherwise: str) -> str:
    """Of the `known` languages (as `de`) the one that `Accept-Language` likes best; `otherwise` where it names none."""
    ranked: list[tuple[float, str]] = []
    for part in accepted.split(",")[:MAX_RANGES]:
        match = _RANGE.fullmatch(part)
        if match is not None:
            ranked.append((float(match[2] or 1), match[1].lower()))
    names = tuple(known)
    best = [name for weight, name in sorted(ranked, key=lambda one: -one[0]) if weight and name in (*names, "*")]
    return best[0] if best and best[0] != "*" else otherwise
