"""The bearer credential of a request."""

from __future__ import annotations

from fastapi import Request

from shared.http.problems import Problem


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
