"""Readiness that waits: an election of some seconds must not take every gateway out of the balancer at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from shared.process.runtime import Check

log = structlog.get_logger()
CHECK_SECONDS: Final = 1.5
"""Less than the runtime gives a check."""


class GraceCheck:
    """A check that fails only once its dependency has not answered for `grace_seconds`.

    Until then what lives here can wait, and whoever comes is told to come back; without any gateway in the balancer
    nobody would be told anything. `clock` is monotonic, in seconds.
    """

    def __init__(
        self, name: str, check: Check, *, grace_seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._name = name
        self._check = check
        self._grace = grace_seconds
        self._clock = clock
        self._failing_since: float | None = None

    async def answers(self) -> bool:
        """Whether the dependency answers now."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                answered = await self._check() is True
        except Exception:  # noqa: BLE001  # any failure of a check means that it does not answer
            answered = False
        if answered:
            if self._failing_since is not None:
                log.info("dependency_answers", name=self._name)
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = self._clock()
            log.warning("dependency_unavailable", name=self._name, unready_in_seconds=self._grace)
        return answered

    async def ready(self) -> bool | str:
        """True while it answers, or did until a short while ago; then for how long it has not."""
        await self.answers()
        silent = 0.0 if self._failing_since is None else self._clock() - self._failing_since
        return silent < self._grace or f"no answer for {silent:.0f} s"
