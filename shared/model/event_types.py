"""Event types that start a workflow: exact, or everything that begins with a prefix."""

from __future__ import annotations

from typing import Final

from shared.model.errors import InvalidWorkflow

ANY_BELOW: Final = ".*"
MAX_TYPE: Final = 1024


def check_event_type(event_type: str, pointer: str) -> None:
    """Raises InvalidWorkflow: an event type is printable, and `*` stands only behind its last dot."""
    stem = event_type.removesuffix(ANY_BELOW)
    if not stem or len(event_type) > MAX_TYPE or not event_type.isprintable() or "*" in stem:
        detail = f"{event_type[:60]!r} is no event type: write com.example.order.shipped, or com.example.order.*"
        raise InvalidWorkflow("invalid_workflow", detail, pointer)


def starting_types(event_type: str) -> list[str]:
    """What a workflow's `on` may say to be started by this type: itself, and each prefix that is no longer than one may be."""
    found, dot = [event_type], event_type.rfind(".", 0, MAX_TYPE)
    while dot >= 0:
        found.append(event_type[:dot] + ANY_BELOW)
        dot = event_type.rfind(".", 0, dot)
    return found
