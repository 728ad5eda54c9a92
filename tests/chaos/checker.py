"""Whether what was promised was kept: accepted notifications against statuses and effects.

Every accepted notification has to end in exactly one terminal state per delivery, every `sent` has exactly one
effect, there is no effect that nobody accepted, none at another's address, and inboxes are in the order of the log.
A digest has each of its items once, a throttle lets as many pass as it may, of alternative channels one is taken.
Verdicts name the offenders.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shared.model import ids
from shared.model.channels import Channel
from tests.chaos.leaks import leaked_effects, leaked_frames
from tests.chaos.order import Delivered, inverted_frames, inverted_rows, unseen
from tests.chaos.rules import split, ungathered, unlimited
from tests.chaos.tables import Accepted, Effect, Evidence, Status

SHOWN = 5
GOES_ON = {"retrying", "parked", "stale"}
KINDS = (
    "lost",
    "doubled",
    "phantom",
    "unterminated",
    "contradicted",
    "early",
    "unwanted",
    "inverted",
    "leaked",
    "unseen",
    "ungathered",
    "unlimited",
    "split",
)
MARKS = {"count", "gather", "replace"}
"""What an item says of other notifications; it is no way on."""


@dataclass(kw_only=True)
class Verdict:
    """What is wrong, by kind; and how much there was to check, so that nothing passes for want of work."""

    lost: list[str] = field(default_factory=list)
    """Said to be sent, never arrived."""
    doubled: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)
    """Arrived, said to be sent by nobody, or accepted by nobody."""
    unterminated: list[str] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)
    """Two different ends of one thing."""
    early: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    """Arrived on a channel that was opted out of before it was accepted, or after its cancel was answered."""
    inverted: list[str] = field(default_factory=list)
    """An inbox, or what a socket saw of it, in another order than the log and the acceptances."""
    leaked: list[str] = field(default_factory=list)
    """At another's address, in another's inbox or on another's socket; or with another's contents."""
    unseen: list[str] = field(default_factory=list)
    """In the inbox of a connected user, and never sent to the socket."""
    ungathered: list[str] = field(default_factory=list)
    """In no digest, or in two."""
    unlimited: list[str] = field(default_factory=list)
    """A throttle that let more pass than it may, or fewer."""
    split: list[str] = field(default_factory=list)
    """On two channels of which the first that works was to be taken; or on none."""
    ends: Counter[str] = field(default_factory=Counter)
    holds: int = 0
    retries: int = 0

    def faults(self) -> dict[str, list[str]]:
        """Every kind that has offenders."""
        return {kind: getattr(self, kind) for kind in KINDS if getattr(self, kind)}

    def line(self, events: int, kills: int) -> str:
        """The last line of a run."""
        words = ("lost", "doubled", "inverted", "early", "unterminated", "phantom", "leaked")
        counts = ", ".join(f"{word} {len(getattr(self, word))}" for word in words)
        return f"chaos: {events:,} events, {kills} kills, {counts}"

    def summary(self) -> str:
        """Of every kind how many there are, and the first few."""
        return "; ".join(f"{len(who)} {kind}: {', '.join(who[:SHOWN])}" for kind, who in self.faults().items())


def check(accepted: dict[str, Accepted], found: Evidence) -> Verdict:
    """The verdict over one run; `accepted` by notification id."""
    verdict = Verdict()
    walk = _Walk(verdict, accepted, found.statuses)
    sent: dict[str, Delivered] = {}
    for notification in accepted:
        sent |= walk.notification(notification)
    effects = _named(accepted, sent, found.effects)
    times = Counter(effect.delivery for effect in effects)
    for delivery, about in sent.items():
        erased = about.channel is Channel.IN_APP and accepted[about.notification].erased
        if not times[delivery] and not erased:
            verdict.lost.append(delivery)
    for delivery, count in times.items():
        if delivery not in sent:
            verdict.phantom.append(delivery)
        elif count > 1:
            verdict.doubled.append(delivery)
    for effect in effects:
        if effect.delivery in sent:
            meant = accepted[sent[effect.delivery].notification]
            waits = (meant.not_before, meant.quiet_until if effect.channel is Channel.EMAIL else 0)
            if effect.at < max(waits):
                verdict.early.append(f"{effect.channel} {effect.delivery} by {max(waits) - effect.at} ms")
            if effect.channel in meant.refused:
                verdict.unwanted.append(f"{effect.channel} {effect.delivery}")
    verdict.leaked = leaked_effects(accepted, sent, effects) + leaked_frames(accepted, found.frames)
    verdict.inverted = inverted_rows(accepted, sent, effects) + inverted_frames(found.frames)
    verdict.unseen = unseen(accepted, sent, found)
    verdict.ungathered = ungathered(accepted, sent, effects)
    verdict.unlimited = unlimited(accepted, sent)
    verdict.split = split(accepted, sent)
    return verdict


def _named(accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered], effects: Iterable[Effect]) -> list[Effect]:
    """Each with its delivery's id: where a provider has no field for that, what it was sent names the notification."""
    known = {(about.channel, accepted[about.notification].mark): delivery for delivery, about in sent.items()}
    named = []
    for effect in effects:
        delivery = effect.delivery
        if not delivery:
            mark = min(effect.marks, default="no mark")
            delivery = known.get((effect.channel, mark), f"{effect.channel} {mark}")
        named.append(effect if effect.delivery else replace(effect, delivery=delivery))
    return named


class _Walk:
    """Follows one notification from decision to decision to its ends."""

    def __init__(self, verdict: Verdict, accepted: dict[str, Accepted], statuses: list[Status]) -> None:
        self._verdict = verdict
        self._accepted = accepted
        self._decided: dict[tuple[str, int], Status] = {}
        self._reported: dict[tuple[str, int], set[str]] = defaultdict(set)
        for status in statuses:
            area = status.type.split(".")[1]
            if area in ("notification", "delivery") and "items" in status.data:
                known = self._decided.setdefault(status.place, status)
                if known.data["items"] != status.data["items"]:
                    verdict.contradicted.append(f"decision {status.place}")
            elif area == "delivery":
                self._reported[status.place].add(status.state)

    def notification(self, notification: str) -> dict[str, Delivered]:
        """The deliveries of a notification that were said to be sent."""
        return self._decision(notification, notification, 0)

    def _decision(self, notification: str, subject: str, pass_: int) -> dict[str, Delivered]:
        status = self._decided.get((subject, pass_))
        if status is None:
            self._verdict.unterminated.append(f"{subject} pass {pass_}: never decided")
            return {}
        sent: dict[str, Delivered] = {}
        for item in status.data["items"]:
            if item["outcome"] in MARKS:
                continue
            if item["outcome"] == "suppress":
                self._verdict.ends[item["reason"]] += 1
            elif item["outcome"] == "hold":
                self._verdict.holds += 1
                sent |= self._decision(notification, item["subject"], pass_ + 1)
            else:
                decided_at = (status.data["partition"], status.data["offset"])
                delivered = Delivered(notification, Channel(item["channel"]), decided_at)
                sent |= self._delivery(item["delivery"], delivered, pass_)
        return sent

    def _delivery(self, delivery: str, about: Delivered, pass_: int) -> dict[str, Delivered]:
        states = self._reported.get((delivery, pass_), set())
        if len(states) != 1:
            kind = self._verdict.contradicted if states else self._verdict.unterminated
            kind.append(f"delivery {delivery} pass {pass_}: {sorted(states) or 'nothing reported'}")
            return {}
        (state,) = states
        if state in GOES_ON:
            self._verdict.retries += 1
            return self._decision(about.notification, delivery, pass_ + 1)
        self._verdict.ends[state] += 1
        if state == "dead" and self._accepted[about.notification].first:
            return self._decision(about.notification, ids.fallback_id(delivery), 0)
        return {delivery: about} if state == "sent" else {}
