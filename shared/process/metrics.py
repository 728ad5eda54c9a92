"""Every metric, each with what it counts. Labels are enums, never ids."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ACCEPTED = Counter("carillon_accepted", "Notifications and events accepted with 202", ["way", "durability"])


REFUSED = Counter("carillon_refused", "Requests refused at the edges", ["code"])


CHUNK_SIZE = Histogram(
    "carillon_chunk_records", "Records decided in one chunk", ["agent"], buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 5000)
)


CHUNK_SECONDS = Histogram("carillon_chunk_seconds", "From reading a chunk to its last acknowledgement", ["agent"])


DECISIONS = Counter(
    "carillon_decisions", "Outcomes of the door, one per channel or whole notification", ["outcome", "reason"]
)


REPLAYS = Counter("carillon_replays", "Records seen again at the same coordinates: outputs were re-emitted", ["where"])


DUPLICATES = Counter("carillon_duplicates", "Records seen again at other coordinates: dropped", ["where"])


DEAD_LETTERS = Counter("carillon_dead_letters", "Records written to a dead-letter topic", ["topic", "code"])


PROFILE_CACHE = Counter("carillon_profile_cache", "Look-ups of the router's profile cache", ["result"])


HOLDS_RELEASED = Counter("carillon_holds_released", "Holds whose record went back to the door")


HOLD_LATENESS = Histogram("carillon_hold_lateness_seconds", "How long after its due time a hold was claimed")


DELIVERIES = Counter("carillon_deliveries", "Recorded outcomes of deliveries", ["channel", "state", "reason"])


DELIVERY_SECONDS = Histogram("carillon_delivery_seconds", "From accepting a notification to its delivery", ["channel"])


CRASH_WINDOWS = Counter(
    "carillon_crash_windows",
    "Deliveries found claimed by a dead lease: sent or not, nobody knows",
    ["channel", "policy"],
)


IN_FLIGHT = Gauge("carillon_sends_in_flight", "Sends under way", ["channel"])


SOCKETS = Gauge("carillon_gateway_connections", "Open authenticated sockets")


SOCKET_FRAMES = Counter("carillon_gateway_frames", "Frames written to sockets", ["type"])


RESUMES = Counter("carillon_gateway_resumes", "Clients that came back with a cursor", ["result"])


OUTBOX_RELAYED = Counter("carillon_outbox_relayed", "Records relayed from the outbox to Kafka")


STATUSES_STORED = Counter("carillon_statuses_stored", "Statuses written to the timeline")


STATUSES_SKIPPED = Counter("carillon_statuses_skipped", "Records of the statuses topic that are no status", ["code"])
