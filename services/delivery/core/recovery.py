"""How much of its weight an account has that was away: a little at first, all of it after some minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.delivery.core.choice import Candidate

RECOVERY_MS: Final = 300_000
"""So long it takes: a provider that has just come back would be sent its whole share in the same second."""
FIRST_SHARE: Final = 0.1


class Recovery:
    """Of one channel's accounts, by the names of their providers. Times are milliseconds of one clock."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}

    def begin(self, name: str, now: int) -> None:
        """It answers again."""
        self._since[name] = now

    def weighed(self, candidates: Sequence[Candidate], now: int) -> Sequence[Candidate]:
        """The candidates with the weights that they have now; those without a weight stay where they were named."""
        if not self._since:
            return candidates
        self._since = {name: since for name, since in self._since.items() if since <= now < since + RECOVERY_MS}
        return [
            each if each.weight is None else each._replace(weight=each.weight * self._share(each.name, now))
            for each in candidates
        ]

    def _share(self, name: str, now: int) -> float:
        since = self._since.get(name)
        if since is None:
            return 1.0
        return FIRST_SHARE + (1 - FIRST_SHARE) * (now - since) / RECOVERY_MS
