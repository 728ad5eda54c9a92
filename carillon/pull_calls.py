"""The calls of a sender of your own: take what is due, say what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from carillon.arguments import segment

PATH = "/v1/pull/deliveries"
Taken = Mapping[str, Any]
"""A delivery as `take` returned it."""


class _Posts(Protocol):
    async def _post(self, path: str, body: Any, *, key: str | None) -> dict[str, Any]: ...


class PullCalls:
    """Of AsyncClient; they need a key with the scope `pull`. ProblemError 409: it is not the caller's any more, leave it."""

    async def take(
        self: _Posts, most: int = 10, *, lease_seconds: int = 60, workflow: str | None = None
    ) -> list[dict[str, Any]]:
        """Up to 100 deliveries of the channel pull, urgent ones first; nobody else gets them for so many seconds."""
        given = {"most": most, "lease_seconds": lease_seconds} | ({"workflow": workflow} if workflow else {})
        answer = await self._post(f"{PATH}/take", given, key=None)
        return list(answer["deliveries"])

    async def sent(self: _Posts, delivery: Taken, *, receipt: str | None = None) -> None:
        """It was sent; `receipt` is what the provider calls it."""
        body = {"token": delivery["token"]} | ({"receipt": receipt} if receipt else {})
        await self._post(f"{PATH}/{segment('delivery', delivery['id'])}/sent", body, key=None)

    async def failed(
        self: _Posts, delivery: Taken, code: str, *, retryable: bool = True, retry_after_seconds: int | None = None
    ) -> None:
        """It was not sent: there is another attempt, or with `retryable=False` a dead letter with the code."""
        after = {} if retry_after_seconds is None else {"retry_after_seconds": retry_after_seconds}
        body = {"token": delivery["token"], "code": code, "retryable": retryable} | after
        await self._post(f"{PATH}/{segment('delivery', delivery['id'])}/failed", body, key=None)

    async def extend(self: _Posts, delivery: Taken, *, lease_seconds: int = 60) -> dict[str, Any]:
        """So many seconds from now."""
        body = {"token": delivery["token"], "lease_seconds": lease_seconds}
        return await self._post(f"{PATH}/{segment('delivery', delivery['id'])}/extend", body, key=None)
