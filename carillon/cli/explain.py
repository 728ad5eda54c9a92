"""Spans of time in plain words."""

from __future__ import annotations


def since(ms: int) -> str:
    """A span as people say it: `+19 ms`, `+3.2 s`, `+5 min`, `+2 h 5 min`."""
    sign, span = ("-" if ms < 0 else "+"), abs(ms)
    if span < 1_000:
        return f"{sign}{span} ms"
    if span < 60_000:
        return f"{sign}{span / 1000:.1f} s"
    hours, minutes = divmod(span // 60_000, 60)
    return f"{sign}{hours} h {minutes} min" if hours else f"{sign}{minutes} min"
