"""The likeliest name that was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """As `; did you mean "chat.new_message"?`, or nothing."""
    close = get_close_matches(name[:200], list(names), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
