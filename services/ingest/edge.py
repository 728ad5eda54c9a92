"""What every call passes first: header limits, the key and its scope, the body as strict JSON."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec
import pymongo
from fastapi import Request

from shared.http.bodies import read_body
from shared.http.credentials import bearer, unauthorized
from shared.http.problems import Problem
from shared.model.errors import Invalid
from shared.model.strict_json import loads
from shared.mongo.api_keys import ApiKeys, Principal, Scope

MAX_HEADER_BYTES: Final = 65_536
_JSON: Final = "application/json"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and since when (monotonic seconds)."""

    tenant: str
    arrived: float
    prepare_seconds: float
    """Of the 2 s that a call may take at most, what may pass before Kafka is asked."""

    def heard(self, begun: float) -> Caller:
        """The caller once its body is there; how long that took since `begun` does not count against the call."""
        return msgspec.structs.replace(self, arrived=self.arrived + time.monotonic() - begun)

    def within_preparation(self) -> AbstractContextManager[Any]:
        """A context whose MongoDB calls end, with MongoUnavailable, when the time to prepare is over."""
        return pymongo.timeout(max(0.05, self.arrived + self.prepare_seconds - time.monotonic()))


class Edge:
    """Admits callers."""

    def __init__(self, keys: ApiKeys, *, prepare_seconds: float) -> None:
        self._keys = keys
        self._prepare_seconds = prepare_seconds

    async def admit(self, request: Request, scope: Scope) -> Caller:
        """Raises Problem 401, 403 or 431; MongoUnavailable when the key is not known here and cannot be read."""
        if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEADER_BYTES:
            detail = f"the headers are larger than {MAX_HEADER_BYTES} bytes"
            raise Problem(431, "headers_too_large", detail, fix="Send fewer or shorter headers.")
        arrived = time.monotonic()
        with pymongo.timeout(self._prepare_seconds):
            principal = await self._keys.principal(bearer(request))
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        _require(principal, scope)
        return Caller(tenant=principal.tenant, arrived=arrived, prepare_seconds=self._prepare_seconds)


def _require(principal: Principal, scope: Scope) -> None:
    if scope not in principal.scopes:
        raise Problem(
            403,
            "missing_scope",
            f"this key may not do that: it lacks the scope {scope}",
            fix=f"Make one that may: carillon key create --scope {scope}",
        )


def content_type(request: Request) -> str:
    """The media type, lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request, *others: str) -> None:
    """Raises Problem 415 unless the body is said to be JSON in UTF-8, uncompressed."""
    media = content_type(request)
    if media != _JSON and media not in others:
        accepted = ", ".join((_JSON, *others))
        raise Problem(
            415,
            "unsupported_media_type",
            f"the content type {media[:60]!r} is not taken here",
            fix=f"Send one of these as Content-Type: {accepted}",
        )
    coding = request.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise Problem(
            415, "unsupported_encoding", f"a body in {coding[:20]!r} is not taken", fix="Send it uncompressed."
        )


def decoded(raw: bytes) -> Any:
    """The JSON value of a body. Raises Problem 400."""
    try:
        return loads(raw)
    except Invalid as error:
        raise not_json(error) from error


def not_json(error: Invalid) -> Problem:
    """400 for a body that no later hop could carry."""
    return Problem(
        400,
        "invalid_json",
        error.detail,
        fix="Send strict JSON in UTF-8: no NaN, duplicate key, NUL key, lone surrogate or integer beyond 64 bits, "
        "at most 32 levels.",
        pointers=[(error.pointer, error.detail)] if error.pointer is not None else (),
    )


async def read_json(request: Request) -> tuple[bytes, Any]:
    """The body's bytes and value. Raises Problem 400, 413 or 415."""
    require_json(request)
    raw = await read_body(request)
    return raw, decoded(raw)
