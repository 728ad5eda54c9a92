"""The bearer credential of a request, and what it may do."""

from __future__ import annotations

from fastapi import Request

from shared.http.problems import Problem
from shared.mongo.api_keys import Principal, Scope


def bearer(request: Request) -> str:
    """The credential of the Authorization header. Raises Problem 401."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise unauthorized("no credential was sent")
    return credential.strip()


def unauthorized(detail: str) -> Problem:
    """401, with how to send a credential."""
    return Problem(
        401,
        "unauthorized",
        detail,
        fix="Send `Authorization: Bearer <key or token>`; `carillon key` makes keys, `carillon token` tokens.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raises Problem 403 when the key lacks the scope."""
    if scope not in principal.scopes:
        raise Problem(
            403,
            "missing_scope",
            f"this key may not do that: it lacks the scope {scope}",
            fix=f"Make one that may: carillon key create --name {scope} --scope {scope}",
        )
