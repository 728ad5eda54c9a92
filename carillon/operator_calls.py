"""The calls that look: where deliveries stand, and why. They need a key with the scope `operate`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from carillon.arguments import segment
from carillon.timestamps import rfc3339


class _Console(Protocol):
    console_url: str

    async def _call(self, method: str, url: str, *, body: Any = None) -> dict[str, Any]: ...


class OperatorCalls:
    """Of AsyncClient."""

    async def deliveries(
        self: _Console,
        *,
        subject: str | None = None,
        state: str | None = None,
        channel: str | None = None,
        workflow: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Where deliveries stand, those accepted last first: `{deliveries, cursor}`; `cursor` gets the next page.

        `subject`: what they are about. `state`: as the timeline has it, several comma separated, or `open`: more is to
        come. `workflow`: a key, or `orders.*`: all that begin so. `since` and `until` (not included) are times of
        acceptance and must be aware.
        """
        wanted = {
            "subject": subject,
            "state": state,
            "channel": channel,
            "workflow": workflow,
            "user": user,
            "since": rfc3339(since) if since else None,
            "until": rfc3339(until) if until else None,
            "limit": str(limit),
            "cursor": cursor,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return await self._call("GET", f"{self.console_url}/v1/deliveries?{urlencode(given)}")

    async def timeline(self: _Console, notification: str) -> dict[str, Any]:
        """The story of one notification; ProblemError 404 while the console has not seen it."""
        return await self._call(
            "GET", f"{self.console_url}/v1/notifications/{segment('notification', notification)}/timeline"
        )

    async def why(self: _Console, notification: str) -> dict[str, Any]:
        """The same in sentences, and what it waits for; ProblemError 404 as above."""
        return await self._call(
            "GET", f"{self.console_url}/v1/notifications/{segment('notification', notification)}/why"
        )

    async def why_not(self: _Console, user: str, event: str) -> dict[str, Any]:
        """Why a user did not get something of an event, in sentences."""
        path = f"/v1/users/{segment('user', user)}/why-not?event={segment('event', event)}"
        return await self._call("GET", self.console_url + path)

    async def event(self: _Console, event: str) -> dict[str, Any]:
        """What became of one event; ProblemError 404 while the console has not seen it."""
        return await self._call("GET", f"{self.console_url}/v1/events/{segment('event', event)}")

    async def operate(self: _Console, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A call of the console's API that has no method here: dead letters, redrives, the audit log."""
        return await self._call(method, self.console_url + path, body=body)
