"""The calls of the suppression list."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from carillon.timestamps import rfc3339


class _Posts(Protocol):
    async def _post(self, path: str, body: Any, *, key: str | None) -> dict[str, Any]: ...


class SuppressionCalls:
    """Of AsyncClient; they need a key with the scope `users`."""

    async def lift_suppressions(
        self: _Posts,
        reason: str,
        *,
        by: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Takes the oldest entries that are on the list for a reason off it, 200 at the most, or counts them.

        `entries` of the answer says how many; repeat the call while it says `more`.
        """
        times = {"since": since, "until": until}
        given = {name: at if isinstance(at, str) else rfc3339(at) for name, at in times.items() if at is not None}
        body = {"reason": reason, "dry_run": dry_run} | given | ({"by": by} if by is not None else {})
        return await self._post("/v1/suppressions/lift", body, key=None)
