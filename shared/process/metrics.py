"""Every metric but the gateway's own, each with what it counts. Labels are enums, never ids."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from shared.model.channels import Channel
from shared.model.outputs import FormatFault

M = TypeVar("M", Counter, Gauge, Histogram)
AGENTS: Final = ("expand", "decide", "fanout")
REPEATS_SEEN_BY: Final = (*AGENTS, "ledger", "inbox")


def from_zero(metric: M, *values: Iterable[str]) -> M:
    """The metric with a series at zero for each combination of its label values, so that a rate sees the first event.

    For labels with few values, all known in advance; `values` are in the order of the labels.
    """
    for combination in product(*values):
        metric.labels(*combination)
    return metric


CHECKS = Gauge(
    "carillon_check_ok", "1 for what was in order when `/readyz` was asked last, 0 for what was not", ["check"]
)
ACCEPTED = Counter("carillon_accepted", "Notifications and events accepted with 202", ["intake", "durability"])
WAITING_RECORDS = Gauge(
    "carillon_waiting_records", "Accepted events and notifications that no router has finished, as ingest last saw it"
)
REQUESTS_REJECTED = Counter(
    "carillon_requests_rejected", "Requests answered with a problem document, by its code", ["code"]
)

CHUNK_SIZE = from_zero(
    Histogram(
        "carillon_chunk_records",
        "Records of one chunk of the router",
        ["agent"],
        buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 5000),
    ),
    AGENTS,
)

CHUNK_SECONDS = from_zero(
    Histogram("carillon_chunk_seconds", "From reading a chunk to its last acknowledgement", ["agent"]), AGENTS
)

ASSIGNMENTS = Counter("carillon_assignments", "How often the router was given its partitions anew: rebalances it saw")

LAG = from_zero(
    Gauge("carillon_lag_records", "Records the router has still to finish, in the partitions that it has", ["agent"]),
    AGENTS,
)

LAST_PROGRESS = Gauge(
    "carillon_last_progress_timestamp_seconds",
    "When the router last finished a record; 0: none since it started",
    ["agent"],
)

DECISIONS = Counter(
    "carillon_decisions", "What the router decided, for one channel or the whole notification", ["outcome", "reason"]
)

REPLAYS = from_zero(
    Counter("carillon_replays", "Records seen again at the same coordinates: outputs were re-emitted", ["where"]),
    REPEATS_SEEN_BY,
)

DUPLICATES = from_zero(
    Counter("carillon_duplicates", "Records seen again at other coordinates: dropped", ["where"]), REPEATS_SEEN_BY
)

NOT_EXPANDED = Counter(
    "carillon_not_expanded", "Workflows and recipients of events that were left out, by why", ["what", "reason"]
)
FANOUT_PAGES = Counter("carillon_fanout_pages", "Pages of fan-outs carried out, those read again included")
FANOUT_RECIPIENTS = Counter("carillon_fanout_recipients", "Members of these pages")
EVENTS_REDRIVEN = Counter(
    "carillon_events_redriven", "Events that were expanded anew: sent again after they were dead, or by a redrive"
)

DEAD_LETTERS = Counter("carillon_dead_letters", "Records written to a dead-letter topic, by why", ["topic", "code"])

UNREADABLE_RECORDS = from_zero(
    Counter("carillon_unreadable_records", "Records and batches of which only raw bytes could be read", ["fault"]),
    FormatFault,
)

HOLDS_AS_TOPIC: Final = "holds"
"""They stand on none."""
NEWER_RECORDS = Gauge(
    "carillon_newer_records",
    "Records that wait here for a newer version of Carillon, by topic; `holds` for those in MongoDB",
    ["topic"],
)

PROFILE_CACHE = from_zero(
    Counter("carillon_profile_cache", "Look-ups of the router's profile cache", ["result"]), ("hit", "miss")
)

ROLLUPS_TOO_LATE = Counter("carillon_rollups_too_late", "Minutes with statuses so late that they count no more")

STOPS = Gauge("carillon_stops", "Emergency stops in place, of tenants, workflows and channels; counted every 15 s")
STOPPED_HOLDS = Gauge(
    "carillon_stopped_holds", "Notifications, or channels of them, that emergency stops hold; counted every 15 s"
)
HOLDS = Gauge("carillon_holds", "What waits for its time: retries, parked, schedules, quiet hours, delays; every 15 s")
HOLDS_RELEASED = Counter("carillon_holds_released", "Holds whose record went back to be decided again")
HOLD_LATENESS = Histogram("carillon_hold_lateness_seconds", "How long after its due time a hold was claimed")

DELIVERIES = Counter("carillon_deliveries", "Recorded results of deliveries", ["channel", "state", "reason"])

DELIVERY_SECONDS = from_zero(
    Histogram("carillon_delivery_seconds", "From accepting a notification to its delivery", ["channel"]), Channel
)

DELIVERY_ATTEMPTS = Histogram(
    "carillon_delivery_attempts",
    "Attempts that a delivery took until it was sent or a dead letter",
    ["channel", "state"],
    buckets=(1, 2, 3, 4, 5, 8, 12, 20),
)

DELIVERY_LAG = Gauge(
    "carillon_delivery_lag_records",
    "Deliveries that are not through, in the partitions that a worker has; every 15 s",
    ["channel", "lane"],
)

CRASH_WINDOWS = Counter(
    "carillon_crash_windows",
    "Deliveries found claimed by a worker that died: sent or not, nobody knows",
    ["channel", "policy"],
)

ATTEMPTS = Counter(
    "carillon_attempts",
    "Attempts to send, by whose fault it was that they failed; none: the provider took the message",
    ["channel", "fault"],
)

FAILED_OVER = Counter(
    "carillon_failed_over",
    "Deliveries that a provider's account took in place of one that was unavailable",
    ["channel", "account"],
)

UNCONFIRMED_SENDS = Counter(
    "carillon_unconfirmed_sends",
    "Sends without an answer after the provider may have taken the message: sent or not, nobody knows",
    ["channel", "policy"],
)

CALLBACKS = Counter(
    "carillon_callbacks",
    "Callbacks of providers about messages: advanced a delivery, repeated, late, unknown (it is not kept any more), "
    "ignored (about none of ours, or nothing that counts), forged",
    ["provider", "result"],
)

ACCOUNT_CHANGES = Counter(
    "carillon_provider_account_changes",
    "Changes of provider accounts and endpoints: closed, open, half_open (a probe may try), disabled",
    ["channel", "state"],
)

MAX_COUNTED: Final = 10_000
"""What waits is counted so far: more of it is no other news, and counting a million takes seconds."""

PARKED = from_zero(
    Gauge(
        "carillon_parked",
        "Deliveries that wait for a provider account, counted every 15 s by each worker, up to 10000",
        ["channel"],
    ),
    Channel,
)

PULL_WAITING = Gauge(
    "carillon_pull_waiting",
    "Deliveries of `pull` that wait for a sender, counted every 15 s by each worker, up to 10000",
)

PARKED_RELEASED = from_zero(
    Counter("carillon_parked_released", "Parked deliveries released because their account answers again", ["channel"]),
    Channel,
)

IN_FLIGHT = from_zero(Gauge("carillon_sends_in_flight", "Sends under way", ["channel"]), Channel)

INBOX_TIMES = from_zero(
    Counter("carillon_inbox_times", "Inbox items that were over, or were back from a snooze, by which", ["change"]),
    ("expired", "unsnoozed"),
)

SCHEDULES_FIRED = Counter("carillon_schedules_fired", "Times for which a schedule fired")
CLOCK_AHEAD = Gauge(
    "carillon_clock_ahead_seconds", "How far this machine's clock is ahead of MongoDB's, by which the process goes"
)
OUTBOX_RELAYED = Counter("carillon_outbox_relayed", "Records relayed from the outbox to Kafka")
STATUSES_STORED = Counter("carillon_statuses_stored", "Statuses written to the timeline")
STATUSES_SKIPPED = Counter("carillon_statuses_skipped", "Records of the statuses topic that are no status", ["code"])
DEAD_LETTERS_KEPT = Counter("carillon_dead_letters_kept", "Dead letters of deliveries that the console has stored")
DEAD_LETTERS_REDRIVEN = Counter("carillon_dead_letters_redriven", "Dead letters that were sent again")
