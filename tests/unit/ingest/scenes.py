"""Calls as the shells of ingest meet them, and group commits over memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import orjson
from fastapi import Request

from services.ingest.calls import Call, Caller
from shared.http.work_limits import WORK, WorkLimits
from shared.kafka.availability import Sink
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import Unavailable
from shared.model.outputs import Output

LONG = 30.0
"""A deadline in seconds that no test reaches."""


def request(body: bytes = b"", *, path: str = "/v1/notifications", method: str = "POST", **headers: str) -> Request:
    """`_` in a header's name stands for `-`."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw, WORK: []}
    return Request(scope, receive)


def caller(*, tenant: str = "acme", since: float = 0.0) -> Caller:
    """Who was received `since` seconds ago."""
    return Caller(tenant=tenant, received_at=time.monotonic() - since, prepare_seconds=0.5)


def call(body: bytes = b"{}", *, key: str | None = "k", tenant: str = "acme", **headers: str) -> Call:
    found = Call(caller=caller(tenant=tenant), key=key, request=request(body, **headers), raw=body)
    return found.decoded(orjson.loads(body))


def limits(*, most_bytes: int = 1 << 30, most_requests: int = 1000) -> WorkLimits:
    return WorkLimits(most_bytes=most_bytes, most_requests=most_requests)


def no_database() -> Any:
    """What an app is wired to that is never asked."""
    collections = (
        "api_keys",
        "requests",
        "cancellations",
        "holds",
        "inbox",
        "schedules",
        "fanouts",
        "subscriptions",
        "profiles",
        "status_endpoints",
        "deliveries",
        "suppressions",
    )
    return SimpleNamespace(**dict.fromkeys(collections))


@asynccontextmanager
async def committing(
    sink: Sink, error: type[Unavailable], *, name: str = "memory", seconds: float = LONG
) -> AsyncIterator[GroupCommit]:
    """A group commit, started."""
    commit = GroupCommit(sink, name=name, deadline_seconds=seconds, error=error)
    await commit.start()
    try:
        yield commit
    finally:
        await commit.stop()


def outputs(*values: bytes) -> list[Output]:
    return [Output("t", b"k", value, [("h", b"1")]) for value in values]


async def everybody(_: str, users: Sequence[str]) -> Collection[str]:
    """All of them have a profile."""
    return users
