"""What every call passes first: header limits, the key and its scope."""

from __future__ import annotations

import time
from typing import Final, Protocol

import pymongo
from fastapi import Request

from services.ingest.calls import Call, Caller
from services.ingest.idempotency import parse_key
from services.ingest.tenant_rates import TenantRates
from shared.http.bodies import read_body
from shared.http.credentials import bearer, require_scope, unauthorized
from shared.http.json_bodies import has_body, require_json
from shared.http.problems import Problem
from shared.http.work_limits import WorkLimits
from shared.model.ids import SEPARATOR
from shared.mongo.api_keys import Principal, Scope

MAX_HEADER_BYTES: Final = 65_536


class KeyLookup(Protocol):
    """Who knows API keys."""

    async def principal(self, key: str, /) -> Principal | None:
        """Whose key it is; None when nobody's. Raises MongoUnavailable when it is not known here and cannot be read."""
        ...


class Admission:
    """Admits callers."""

    def __init__(
        self, keys: KeyLookup, *, limits: WorkLimits, prepare_seconds: float, rates: TenantRates | None = None
    ) -> None:
        """`rates`: how often the producers of each tenant may call; None: as often as they can."""
        self._keys = keys
        self._rates = rates
        self._limits = limits
        self._prepare_seconds = prepare_seconds

    async def caller(self, request: Request, scope: Scope) -> Caller:
        """Counts the request until it is answered. Raises Problem 401, 403, 429, 431 or 503; MongoUnavailable when the key is not known here and cannot be read."""
        if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEADER_BYTES:
            detail = f"the headers are larger than {MAX_HEADER_BYTES} bytes"
            raise Problem(431, "headers_too_large", detail, fix="Send fewer or shorter headers.")
        received_at = time.monotonic()
        credential = bearer(request)
        with pymongo.timeout(self._prepare_seconds):
            principal = await self._keys.principal(credential)
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        require_scope(principal, scope)
        if self._rates is not None and scope is not Scope.ADMIN:  # who can stop it is not kept from stopping it
            await self._rates.take(principal.tenant, received_at)
        self._limits.hold(request, principal.key_id)
        return Caller(
            tenant=principal.tenant,
            key_id=principal.key_id,
            test=principal.test,
            received_at=received_at,
            prepare_seconds=self._prepare_seconds,
        )

    async def post(self, request: Request, scope: Scope, *media: str, may_be_empty: bool = False) -> Call:
        """A POST whose body is JSON, or one of `media`; one that `may_be_empty` needs no type if it is.

        Raises as `caller`, and Problem 400, 408, 413 or 415.
        """
        caller = await self.caller(request, scope)
        key = parse_key(request.headers.get("idempotency-key"))
        if key is not None and caller.test:  # what was sent as a test has not been sent
            key = f"test{SEPARATOR}{key}"
        if not (may_be_empty and "content-type" not in request.headers and not has_body(request)):
            require_json(request, *media)
        begun = time.monotonic()
        raw = await read_body(request)
        return Call(caller=caller.after_upload(begun), key=key, request=request, raw=raw)
