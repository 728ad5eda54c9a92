"""Why tokens are rejected, for whoever runs this: each reason now and then, with how often it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

log = structlog.get_logger()
QUIET_SECONDS: Final = 60.0
"""After a line no second one with the same reason."""
MAX_REASONS: Final = 100
NEXT: Final = "one that expired is everyday; else who signs tokens and the settings of tokens here do not agree"


@dataclass
class _Told:
    at: float
    since: int = 0


@dataclass
class RejectedTokens:
    """Of one process. A reason names a claim and nothing of the token; `clock` is monotonic, in seconds."""

    clock: Callable[[], float] = monotonic
    _told: dict[str, _Told] = field(default_factory=dict)

    def note(self, reason: str) -> None:
        """One more was rejected."""
        now, told = self.clock(), self._told.get(reason)
        if told is not None and now - told.at < QUIET_SECONDS:
            told.since += 1
            return
        if told is None and len(self._told) >= MAX_REASONS:
            return
        log.warning("token_rejected", reason=reason, times=1 + (told.since if told else 0), next=NEXT)
        self._told[reason] = _Told(now)
