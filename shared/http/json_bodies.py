"""JSON in requests and answers. Of requests: said to be JSON, uncompressed, and what every later hop can carry."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.responses import Response

from shared.http.problems import Problem
from shared.model.errors import Invalid
from shared.model.strict_json import loads

JSON: Final = "application/json"


def content_type(request: Request) -> str:
    """The media type, lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def has_body(request: Request) -> bool:
    """Whether the head of the request announces a body."""
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def require_json(request: Request, *others: str) -> None:
    """Raises Problem 415 unless the body is said to be JSON in UTF-8 (or one of `others`), uncompressed.

    One of `others` that begins with + is a structured suffix (RFC 6839): `+json`.
    """
    media = content_type(request)
    suffix = media[media.rfind("+") :]
    if media != JSON and media not in others and suffix not in others:
        accepted = ", ".join((JSON, *(f"…{other}" if other.startswith("+") else other for other in others)))
        raise Problem(
            415,
            "unsupported_media_type",
            f"the content type {media[:60]!r} is not taken here",
            fix=f"Send one of these as Content-Type: {accepted}",
        )
    require_uncompressed(request)


def require_uncompressed(request: Request) -> None:
    """Raises Problem 415 if the body is said to be compressed."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Problem(
            415, "unsupported_encoding", f"a body in {coding[:20]!r} is not taken", fix="Send it uncompressed."
        )


def json_answer(value: object, status: int = 200) -> Response:
    """The answer that says this, with that status."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def parse_json(raw: bytes) -> Any:
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
