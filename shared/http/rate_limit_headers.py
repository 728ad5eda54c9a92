"""How often a client may still call, in headers (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

from typing import Final

POLICY: Final = "RateLimit-Policy"
LEFT: Final = "RateLimit"


def rate_limit_headers(name: str, *, quota: int, seconds: int, left: int, reset: int) -> dict[str, str]:
    """`quota` calls in so many seconds; `left` of them now, and all of them again in `reset` seconds."""
    return {POLICY: f'"{name}";q={quota};w={seconds}', LEFT: f'"{name}";r={left};t={reset}'}
