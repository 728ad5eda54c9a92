"""A call that was admitted, and its answer."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import pymongo
from fastapi import Request
from fastapi.responses import Response

from services.ingest.core.fingerprint import fingerprint
from shared.http.json_bodies import content_type
from shared.model.ids import SEPARATOR


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and since when (monotonic seconds)."""

    tenant: str
    key_id: str = ""
    """Of the API key."""
    test: bool = False
    """It is a test key."""
    received_at: float
    prepare_seconds: float
    """Of the 2 s that a call may take at most, what may pass before Kafka is asked."""

    def cancels_by(self, key: str) -> str:
        """A cancellation key as it is kept: one of a test names nothing of anybody else's, and the other way round."""
        return f"test{SEPARATOR}{key}" if self.test else key

    def after_upload(self, begun: float) -> Caller:
        """The caller once its body is there; how long that took since `begun` does not count against the call."""
        return msgspec.structs.replace(self, received_at=self.received_at + time.monotonic() - begun)

    def within_preparation(self) -> AbstractContextManager[Any]:
        """A context whose MongoDB calls end, with MongoUnavailable, when the time to prepare is over."""
        return pymongo.timeout(max(0.05, self.received_at + self.prepare_seconds - time.monotonic()))


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A POST of an admitted caller, with its Idempotency-Key and the bytes of its body."""

    caller: Caller
    key: str | None
    request: Request
    raw: bytes
    fingerprint: str = ""
    """Equal for calls that are the same; only of a call with a key, once its body is decoded."""

    def decoded(self, value: object) -> Call:
        """The call once the JSON value of its body is known."""
        if self.key is None:
            return self
        request = self.request
        attributes = [(name, text) for name, text in request.headers.raw if name.startswith(b"ce-")]
        media = content_type(request)
        return msgspec.structs.replace(
            self, fingerprint=fingerprint(request.method, request.url.path, media, attributes, value)
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a call answers."""

    status: int
    body: bytes
    headers: dict[str, str] = {}

    def respond(self, *, replayed: bool = False) -> Response:
        """The answer as it goes out."""
        extra = {"Idempotency-Replayed": "true"} if replayed else {}
        return Response(self.body, self.status, headers=self.headers | extra, media_type="application/json")
