"""Cool-downs: after no answer, a provider or an endpoint is left alone for a while.

What would be sent to it meanwhile is parked; the next look is when the first of it comes back.
"""

from __future__ import annotations

from typing import Final

from services.delivery.core.attempts import Failed, Outcome, ProviderUnavailable

MOST_ENDPOINTS: Final = 10_000


class CoolDowns:
    """One channel's. Times in seconds of a clock that only goes forward."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._provider_until = 0.0
        self._endpoints_until: dict[str, float] = {}

    def reason_to_wait(self, address: str, now: float) -> ProviderUnavailable | None:
        """What speaks against sending to `address` now; None: nothing."""
        if now < self._provider_until:
            return ProviderUnavailable(code="provider_cooling_down")
        if now < self._endpoints_until.get(address, 0.0):
            return ProviderUnavailable(code="endpoint_cooling_down")
        return None

    def note(self, outcome: Outcome, address: str, now: float) -> None:
        """Starts a cool-down where `outcome` says that nobody answered."""
        if isinstance(outcome, ProviderUnavailable):
            self._provider_until = now + self._seconds
        elif isinstance(outcome, Failed) and outcome.cool_down:
            if len(self._endpoints_until) >= MOST_ENDPOINTS:
                self._endpoints_until.clear()
            self._endpoints_until[address] = now + self._seconds
