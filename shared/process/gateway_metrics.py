"""The metrics of sockets and of who may open them, each with what it counts. Labels are enums, never ids."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

from shared.process.metrics import from_zero

ADDRESS_LIMITS: Final = ("sockets_per_address", "unauthenticated_per_address", "handshakes_per_address")

SOCKETS = Gauge("carillon_gateway_connections", "Open authenticated sockets")

SOCKET_FRAMES = from_zero(Counter("carillon_gateway_frames", "Frames written to sockets", ["type"]), ("text",))

GATEWAY_REJECTIONS = from_zero(
    Counter(
        "carillon_gateway_rejections",
        "Calls and sockets rejected before anything was looked at: from an origin that is not allowed, or too many",
        ["reason"],
    ),
    ("origin", "full", "opening", "frames", *ADDRESS_LIMITS),
)

TOKEN_KEY_FETCHES = from_zero(
    Counter(
        "carillon_gateway_key_fetches", "Fetches of the keys that verify users' tokens, by how they ended", ["result"]
    ),
    ("ok", "failed"),
)

CLOSE_REASONS: Final = (
    "restart", "try_again_later", "slow", "bad_message", "unauthorized", "auth_timeout", "replaced", "too_many_messages",
)  # fmt: skip
SESSIONS_CLOSED = from_zero(
    Counter(
        "carillon_gateway_closes",
        "Sockets whose session was ended from this side, by why; what docs/sockets.md has a code for",
        ["why"],
    ),
    CLOSE_REASONS,
)

SLOW_CLOSED = from_zero(
    Counter("carillon_gateway_slow_connections", "Sockets closed because they did not read, by whose bound", ["bound"]),
    ("connection", "process"),
)

RESUMES = from_zero(
    Counter("carillon_gateway_resumes", "Sockets that became live, by what their cursor was good for", ["result"]),
    ("new", "resumed", "reset"),
)

INBOX_RECEIPTS = from_zero(
    Counter(
        "carillon_inbox_receipts",
        "Inbox items whose status says that they reached a socket: published, published again after another process, "
        "or left until their client comes back",
        ["result"],
    ),
    ("published", "repeated", "left"),
)

TRACKED = Counter(
    "carillon_tracked",
    "E-mails opened and links followed: published, repeated, unknown (its delivery is not kept any more), lost (MongoDB "
    "or Kafka did not answer in time)",
    ["state", "result"],
)
