"""What an answer over HTTP says: the document of a success, or the error to raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from carillon.errors import ProblemError, UnexpectedAnswerError


def read_answer(call: str, status: int, headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    """The document of a success, empty for 204; `call` as `POST https://…` names it in errors.

    Raises ProblemError for 4xx and 5xx, and UnexpectedAnswerError for what is no answer of the platform's.
    """
    document = _object(raw)
    if status >= 400:
        raise ProblemError(status, document or {}, retry_after=retry_after(headers))
    if status == 204:
        return {}
    if status >= 300:
        raise UnexpectedAnswerError(
            f"{call} was answered {status} with Location {headers.get('Location', 'missing')}",
            fix="give the url that answers without a redirect: https, and no login page in front",
        )
    if document is None:
        raise UnexpectedAnswerError(
            f"{call} was answered {status} without a JSON object ({headers.get('Content-Type', 'no Content-Type')})",
            fix="check the url: something else than the platform answers there",
        )
    return document


def _object(raw: bytes) -> dict[str, Any] | None:
    """The body; None when it is no JSON object (a proxy's page, say)."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds; None when it is missing or a date."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdecimal() else None
