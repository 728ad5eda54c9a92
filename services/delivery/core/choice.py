"""Which of a channel's providers is tried first, and which after it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import NamedTuple


class Candidate(NamedTuple):
    """A provider as it was named. Without a weight it stands where it was named."""

    name: str
    weight: float | None = None


def order_of(candidates: Sequence[Candidate], delivery: str) -> list[str]:
    """The names in the order in which `delivery` tries them, the same each time.

    Those with a weight take turns in that proportion (weighted rendezvous hashing: when one's weight falls, only its
    share moves); those without one follow, in the order in which they were named.
    """
    weighted = [each for each in candidates if each.weight is not None]
    if len(weighted) > 1:
        weighted.sort(key=lambda each: _distance(each, delivery))
    return [each.name for each in weighted] + [each.name for each in candidates if each.weight is None]


def _distance(candidate: Candidate, delivery: str) -> float:
    """Exponentially distributed, its mean the inverse of the weight: the nearest of several is that one by its share."""
    digest = blake2b(f"{delivery}\x1f{candidate.name}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest) + 1) / 2**64
    return -log(share) / max(candidate.weight or 0.0, 1e-9)
