"""Versions that are not the newest any more, in memory within a bound in bytes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from shared.model.workflows import Workflow

Version = tuple[str, str, int]
"""Tenant, workflow key and version."""
MAX_BYTES: Final = 32 * 1_048_576


class OlderVersions:
    """What was kept last; beyond `max_bytes` of what they encode to, the ones kept first are forgotten."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: dict[Version, Workflow] = {}
        self._sizes: dict[Version, int] = {}
        self._bytes = 0

    def get(self, place: Version) -> Workflow | None:
        """One that is kept."""
        return self._kept.get(place)

    def keep(self, place: Version, workflow: Workflow) -> None:
        """Keeps one more, for now whatever the bound."""
        self._forget(place)
        self._kept[place] = workflow
        self._sizes[place] = len(msgspec.json.encode(workflow))
        self._bytes += self._sizes[place]

    def forget_but(self, places: Collection[Version]) -> None:
        """Comes back below the bound; `places` stay, even if they alone are above it."""
        if self._bytes <= self._max_bytes:
            return
        staying = frozenset(places)
        for place in [place for place in self._kept if place not in staying]:
            if self._bytes <= self._max_bytes:
                return
            self._forget(place)

    def _forget(self, place: Version) -> None:
        if self._kept.pop(place, None) is not None:
            self._bytes -= self._sizes.pop(place)
