"""The call that takes back what was sent with a cancellation key."""

from __future__ import annotations

from typing import Any, Protocol


class _Posts(Protocol):
    async def _post(self, path: str, body: Any, *, key: str | None) -> dict[str, Any]: ...


class CancelCalls:
    """Of AsyncClient."""

    async def cancel(
        self: _Posts, cancellation_key: str, *, withdraw: bool = False, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Cancels what was accepted under the key before now and has not been sent.

        `withdraw`: it leaves the inboxes of its recipients as well, read or not, on every device.
        """
        body = {"cancellation_key": cancellation_key, **({"withdraw": True} if withdraw else {})}
        return await self._post("/v1/notifications/cancel", body, key=idempotency_key)
