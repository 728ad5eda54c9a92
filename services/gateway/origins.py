"""Which web pages may call: one list for the sockets and for the inbox API, named in CARILLON_ORIGINS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import idna
import structlog

from services.gateway.core.limits import MAX_NAMED_ORIGINS
from shared.process.gateway_metrics import GATEWAY_REJECTIONS

log = structlog.get_logger()
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def parse_origins(text: str) -> tuple[str, ...]:
    """Comma-separated origins as browsers write them (RFC 6454 section 6.2). Raises ValueError."""
    found = [part.strip().lower().removesuffix("/") for part in text.split(",") if part.strip()]
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: write scheme://host[:port], as https://app.example.com")
    plain = (origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], "\0")) for origin in found)
    return tuple(map(_in_ascii, plain))


def _in_ascii(origin: str) -> str:
    """With the host as browsers send it: in A-labels (RFC 6454 section 6.2). Raises ValueError."""
    if origin.isascii():
        return origin
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    try:
        return f"{scheme}://{idna.encode(host, uts46=True).decode()}{colon}{port}"
    except idna.IDNAError as error:
        raise ValueError(f"{origin!r} is no origin: its host is no domain name") from error


class Origins:
    """The allowed ones. Each that is refused is logged once, so that whoever runs this sees what to add."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(allowed)
        self._set = frozenset(allowed)
        self._named: set[str] = set()

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may call; a refusal is counted."""
        if origin in self._set:
            return True
        GATEWAY_REJECTIONS.labels("origin").inc()
        if origin not in self._named and len(self._named) < MAX_NAMED_ORIGINS:
            self._named.add(origin)
            log.warning(
                "origin_rejected",
                origin=origin[:200],
                allowed=",".join(self.allowed),
                next="if it is a page of yours, add it to CARILLON_ORIGINS",
            )
        return False
