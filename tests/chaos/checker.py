"""Whether what was promised was kept: accepted notifications against statuses and effects.

Every accepted notification has to end in exactly one terminal state per delivery, every `sent` has exactly one
effect, and there is no effect that nobody accepted. Verdicts name the offenders.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

GOES_ON = {"retrying", "parked", "stale"}


@dataclass(frozen=True, kw_only=True)
class Status:
    """One record of `statuses.v1`."""

    id: str
    type: str
    subject: str
    data: dict[str, Any]

    @property
    def place(self) -> tuple[str, int]:
        return self.subject, self.data["pass"]

    @property
    def state(self) -> str:
        return self.type.rpartition(".")[2]


@dataclass(kw_only=True)
class Verdict:
    """What is wrong, by kind; and how much there was to check, so that nothing passes for want of work."""

    lost: list[str] = field(default_factory=list)
    """Said to be sent, never arrived."""
    doubled: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    """InboundRecord, accepted by nobody."""
    unterminated: list[str] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)
    """Two different ends of one thing."""
    early: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    holds: int = 0
    retries: int = 0

    def faults(self) -> dict[str, list[str]]:
        """Every kind that has offenders."""
        kinds = ("lost", "doubled", "phantom", "unterminated", "contradicted", "early")
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind)}


def check(
    accepted: dict[str, int], statuses: list[Status], effects: Counter[str], arrived_at: dict[str, int]
) -> Verdict:
    """The verdict over one run.

    `accepted`: notification id to the earliest permitted time (ms); `effects`: delivery id to how often it
    arrived; `arrived_at`: delivery id to its first arrival (ms).
    """
    verdict = Verdict()
    decided: dict[tuple[str, int], Status] = {}
    reported: dict[tuple[str, int], set[str]] = defaultdict(set)
    for status in statuses:
        area = status.type.split(".")[1]
        if area in ("notification", "delivery") and "items" in status.data:
            known = decided.setdefault(status.place, status)
            if known.data["items"] != status.data["items"]:
                verdict.contradicted.append(f"decision {status.place}")
        elif area == "delivery":
            reported[status.place].add(status.state)
    walk = _Walk(verdict, decided, reported)
    sent: set[str] = set()
    for notification, not_before in accepted.items():
        sent |= walk.notification(notification, not_before, arrived_at)
    for delivery in sent:
        if not effects[delivery]:
            verdict.lost.append(delivery)
    for delivery, times in effects.items():
        if delivery not in sent:
            verdict.phantom.append(delivery)
        elif times > 1:
            verdict.doubled.append(delivery)
    return verdict


class _Walk:
    """Follows one notification from decision to decision to its ends."""

    def __init__(
        self,
        verdict: Verdict,
        decided: dict[tuple[str, int], Status],
        reported: dict[tuple[str, int], set[str]],
    ) -> None:
        self._verdict = verdict
        self._decided = decided
        self._reported = reported

    def notification(self, notification: str, not_before: int, arrived_at: dict[str, int]) -> set[str]:
        """The deliveries of a notification that were said to be sent."""
        sent = self._decision(notification, 0)
        for delivery in sent:
            if arrived_at.get(delivery, not_before) < not_before:
                self._verdict.early.append(delivery)
        return sent

    def _decision(self, subject: str, pass_: int) -> set[str]:
        status = self._decided.get((subject, pass_))
        if status is None:
            self._verdict.unterminated.append(f"{subject} pass {pass_}: never decided")
            return set()
        sent: set[str] = set()
        for item in status.data["items"]:
            if item["outcome"] == "suppress":
                self._verdict.ends[item["reason"]] += 1
            elif item["outcome"] == "hold":
                self._verdict.holds += 1
                sent |= self._decision(item["subject"], pass_ + 1)
            else:
                sent |= self._delivery(item["delivery"], pass_)
        return sent

    def _delivery(self, delivery: str, pass_: int) -> set[str]:
        states = self._reported.get((delivery, pass_), set())
        if len(states) != 1:
            kind = self._verdict.contradicted if states else self._verdict.unterminated
            kind.append(f"delivery {delivery} pass {pass_}: {sorted(states) or 'nothing reported'}")
            return set()
        (state,) = states
        if state in GOES_ON:
            self._verdict.retries += 1
            return self._decision(delivery, pass_ + 1)
        self._verdict.ends[state] += 1
        return {delivery} if state == "sent" else set()
