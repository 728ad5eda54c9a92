"""The client: notifications, events and users over HTTP, with retries that never double anything.

async with AsyncClient("https://carillon.example.com", "ck_…") as carillon:
    accepted = await carillon.notify("order.shipped", ["ana"], data={"order": "A-1"})
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import stamina
from yarl import URL

from carillon.answers import read_answer
from carillon.arguments import audience_or_list, checked_address, checked_key, listed, segment
from carillon.cancel_calls import CancelCalls
from carillon.errors import ProblemError, UnreachableError
from carillon.json_values import encode
from carillon.operator_calls import OperatorCalls
from carillon.pull_calls import PullCalls
from carillon.suppression_calls import SuppressionCalls
from carillon.timestamps import rfc3339

RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})

RecipientJson = str | Mapping[str, str]
"""A user id, or an inline person: `{"email": "ana@example.com", "name": "Ana"}`."""


class AsyncClient(CancelCalls, OperatorCalls, PullCalls, SuppressionCalls):
    """Calls to one platform with one API key. Use it as a context manager; one serves a whole process.

    Each call gets an Idempotency-Key that its retries share, so what was accepted once is accepted once. It
    retries 408, 429, 5xx and lost connections for up to `patience` seconds and waits as Retry-After says, if that
    is not longer than the patience left. Raises ProblemError when the platform refuses, UnreachableError when
    nobody answers, UnexpectedAnswerError when something else does (redirects are not followed), and ValueError or
    TypeError, before anything is sent, for what the platform could not take.
    """

    def __init__(
        self, url: str, key: str, *, console_url: str | None = None, patience: float = 30.0, timeout: float = 10.0
    ) -> None:
        """`console_url` when the console is not behind `url`; `timeout` in seconds bounds each try.

        Raises ValueError for what is no address or no key.
        """
        self.url = checked_address(url)
        self.console_url = checked_address(console_url or url)
        self._headers = {"Authorization": f"Bearer {checked_key(key)}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("the client is entered already: one context serves all tasks")
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def notify(
        self,
        workflow: str,
        recipients: Sequence[RecipientJson] | Mapping[str, Any],
        *,
        data: Mapping[str, Any] | None = None,
        actor: str | None = None,
        deliver_at: datetime | Mapping[str, str] | None = None,
        expires_at: datetime | None = None,
        priority: str | None = None,
        cancellation_key: str | None = None,
        collapse_key: str | None = None,
        subject: str | None = None,
        supersedes: str | None = None,
        max_retries: int | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Starts a workflow for up to 10,000 recipients, or an audience: `{"topic": …}`, `{"users": "all", "where": …}`.

        Returns when it is durable: `{id, notifications, durability}`; of an audience, or more than 100, with `fanouts`.
        `dry_run`: nothing is stored or sent; returns who would get what, and when, `{recipients: [{user, sentences}]}`.

        Times must be aware; `deliver_at` may also be `{"local": "09:00", "date": "2026-12-01"}`, where each recipient
        is. `subject`: what it is about, as `complaint/123`, to find its deliveries by. `supersedes`: the id that an
        earlier call returned, which this one takes the place of. Your own `idempotency_key` makes it safe to call again
        after a crash. Raises TypeError for one recipient that is not in a list.
        """
        body = {
            "workflow": workflow,
            "recipients": audience_or_list(recipients),
            "data": data or {},
            "actor": actor,
            "deliver_at": rfc3339(deliver_at) if isinstance(deliver_at, datetime) else deliver_at,
            "expires_at": rfc3339(expires_at) if expires_at else None,
            "priority": priority,
            "cancellation_key": cancellation_key,
            "collapse_key": collapse_key,
            "subject": subject,
            "supersedes": supersedes,
            "max_retries": max_retries,
        }
        given = {name: value for name, value in body.items() if value is not None}
        path = "/v1/notifications?dry_run=true" if dry_run else "/v1/notifications"
        return await self._post(path, given, key=idempotency_key)

    async def send_events(
        self, events: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Sends CloudEvents 1.0 (JSON format) as one batch. `specversion` and `id` are filled in where missing."""
        batch = [{"specversion": "1.0", "id": str(uuid4()), **event} for event in listed("events", events)]
        content_type = "application/cloudevents-batch+json"
        return await self._post("/v1/events", batch, key=idempotency_key, content_type=content_type)

    async def subscribe(
        self, topic: str, users: Sequence[str], *, preferences: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Subscribes up to 100 users to a topic. Without `preferences`, what a subscriber has chosen stays."""
        chosen = {} if preferences is None else {"preferences": preferences}
        body = {"users": listed("users", users)} | chosen
        return await self._call("PUT", f"{self.url}/v1/topics/{segment('topic', topic)}/subscriptions", body=body)

    async def unsubscribe(self, topic: str, users: Sequence[str]) -> dict[str, Any]:
        """Unsubscribes up to 100 users from a topic."""
        body = {"users": listed("users", users)}
        return await self._call("DELETE", f"{self.url}/v1/topics/{segment('topic', topic)}/subscriptions", body=body)

    async def fanout(self, fanout: str) -> dict[str, Any]:
        """How far a fan-out is; ProblemError 404 when there is none."""
        return await self._call("GET", f"{self.url}/v1/fanouts/{segment('fanout', fanout)}")

    async def create_schedule(
        self, schedule: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Sends by a cron expression: `{id, workflow, recipients, cron, zone}` and more, as `POST /v1/schedules` takes it."""
        return await self._post("/v1/schedules", schedule, key=idempotency_key)

    async def schedules(self, *, after: str = "") -> dict[str, Any]:
        """A page of schedules by id, and the `after` of the next one; None when these are the last."""
        return await self._call("GET", f"{self.url}/v1/schedules?after={quote(after, safe='')}")

    async def pause_schedule(self, schedule: str) -> dict[str, Any]:
        """It fires no more until it is resumed."""
        return await self._call("PATCH", self._schedule(schedule), body={"state": "paused"})

    async def resume_schedule(self, schedule: str) -> dict[str, Any]:
        """It fires again from now; what it missed is not made up for."""
        return await self._call("PATCH", self._schedule(schedule), body={"state": "active"})

    async def delete_schedule(self, schedule: str) -> None:
        """It fires no more. What it has sent already goes its way."""
        await self._call("DELETE", self._schedule(schedule))

    def _schedule(self, schedule: str) -> str:
        return f"{self.url}/v1/schedules/{segment('schedule', schedule)}"

    async def put_user(self, user: str, profile: Mapping[str, Any]) -> dict[str, Any]:
        """Creates or replaces a profile. When it returns, everything accepted later is decided with it."""
        return await self._call("PUT", f"{self.url}/v1/users/{segment('user', user)}", body=profile)

    async def get_user(self, user: str) -> dict[str, Any]:
        """A profile; ProblemError 404 when there is none."""
        return await self._call("GET", f"{self.url}/v1/users/{segment('user', user)}")

    async def _post(
        self, path: str, body: Any, *, key: str | None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": key or str(uuid4()), "Content-Type": content_type}
        return await self._call("POST", self.url + path, body=body, headers=headers)

    async def _call(
        self, method: str, url: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        raw = None if body is None else encode(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        ends = time.monotonic() + self._patience
        async for attempt in stamina.retry_context(
            on=lambda error: _wait(error, ends - time.monotonic()),
            attempts=None,
            timeout=self._patience,
            wait_initial=0.1,
            wait_max=5.0,
            wait_jitter=0.2,
        ):
            with attempt:
                return await self._once(method, url, raw, all_headers)
        raise AssertionError("stamina returns or raises")

    async def _once(self, method: str, url: str, raw: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("use the client as a context manager: async with AsyncClient(…) as carillon")
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=raw, headers=headers, allow_redirects=False
            ) as response:
                return read_answer(f"{method} {url}", response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreachableError(f"{method} {url} got no answer: {type(error).__name__}") from error


def _wait(error: Exception, left: float) -> bool | float:
    """Whether to try again, or after how many seconds; `left` is the patience left, in seconds."""
    if isinstance(error, UnreachableError):
        return True
    if not isinstance(error, ProblemError):
        return False
    asked = error.retry_after
    in_flight = error.status == 409 and asked is not None  # an earlier try of this very call is being accepted
    if not in_flight and error.status not in RETRIED:
        return False
    if asked is None:
        return True
    return asked + random.uniform(0, 0.2) if asked <= left else False  # noqa: S311  # spreads clients, guards nothing
