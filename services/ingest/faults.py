"""What is wrong with a body, all of it at once (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from shared.model.errors import Invalid
from shared.model.strict_json import escape

MOST: Final = 100
"""Errors told at once."""

T = TypeVar("T")


class InvalidFields(Invalid):
    """One or more fields are wrong; `pointers` holds each with what is wrong."""

    def __init__(self, code: str, detail: str, pointers: list[tuple[str, str]]) -> None:
        super().__init__(code, detail)
        self.pointers = pointers


class Faults:
    """Collects faults while a body is read."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, pointer: str, detail: str) -> None:
        """One more."""
        self.found.append((pointer, detail))

    def attempt(self, check: Callable[..., T], *arguments: Any) -> T | None:
        """The result of `check`, or None and its fault noted."""
        try:
            return check(*arguments)
        except Invalid as error:
            self.add(error.pointer or "", error.detail)
            return None

    def unknown_fields(self, body: dict[str, Any], known: Iterable[str], pointer: str = "") -> None:
        """Notes every field of `body` that is none of `known`, with the likeliest meant."""
        names = sorted(known)
        for name in body:
            if name not in names:
                self.add(f"{pointer}/{escape(name[:100])}", f"unknown field{did_you_mean(name, names)}")

    def text(self, body: dict[str, Any], name: str, most: int, pointer: str = "") -> str | None:
        """An optional string of 1 to `most` printable characters."""
        value = body.get(name)
        if value is None or (isinstance(value, str) and 1 <= len(value) <= most and value.isprintable()):
            return value
        self.add(f"{pointer}/{name}", f"a string of 1 to {most} printable characters")
        return None

    def settle(self) -> None:
        """Raises InvalidFields if there is any fault."""
        if self.found:
            count = len(self.found)
            detail = f"{count} fields are not valid" if count > 1 else "a field is not valid"
            raise InvalidFields("invalid_request", detail, self.found[:MOST])


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """As `; did you mean "chat.new_message"?`, or nothing."""
    close = get_close_matches(name[:200], list(names), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def require_object(value: Any) -> dict[str, Any]:
    """The body as an object. Raises InvalidFields."""
    if not isinstance(value, dict):
        raise InvalidFields("invalid_request", "the body is no JSON object", [("", "send an object, as {...}")])
    return value
