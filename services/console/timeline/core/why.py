"""Why a notification is where it is, in sentences: made of its timeline alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from services.console.timeline.core.channel_states import TimelineState
from services.console.timeline.core.timeline import DecisionEntry, HoldEntry, StatusEntry, Timeline
from shared.deciding.plain_words import meaning, next_step
from shared.deciding.sentences import Sentence, item_sentence
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.receipts import ReceiptState
from shared.model.records import Kind
from shared.model.rules import WHOLE, Rule

AGAIN: Final[Mapping[str, str]] = {
    Kind.RELEASE: "Its wait was over: it was decided again.",
    Kind.RETRY: "Its next attempt was due: it was decided again.",
    Kind.STALE: "It had waited too long in its lane: it was decided again.",
    Kind.REDRIVE: "Somebody sent its dead letter again: it was decided again.",
    Kind.FAILED: "It failed for good, or its provider was down for long: the rest of the step was decided.",
}
WAITS_FOR: Final[Mapping[str, str]] = {
    Cause.SCHEDULED: "its deliver_at",
    Cause.QUIET_HOURS: "the end of quiet hours",
    Cause.RETRY: "the next attempt",
    Cause.PROVIDER_DOWN: "the provider, at the latest",
    Cause.LOCAL_TIME: "its time of day where the user is",
    Cause.DELAY: "the end of its delay",
    Cause.DIGEST: "the end of its digest",
    Cause.WAIT_FOR_READ: "the user to read it",
    Cause.STOPPED: "an operator to lift the stop, at the latest",
}
REACHED: Final = frozenset(
    {"sent", "delivered", "complained", "queued", "held", "retrying", "parked", "stale", "claimed"}
)

SAY_WHY: Final = frozenset({"retrying", "parked"})

TOLD: Final[Mapping[str, str]] = {
    ReceiptState.DELIVERED: "By {channel} it has arrived, says {provider}{code}.",
    ReceiptState.UNDELIVERED: "By {channel} it did not arrive, says {provider}{code}.",
    ReceiptState.BOUNCED: "By {channel} it bounced, says {provider}{code}; nothing more is sent to the address.",
    ReceiptState.COMPLAINED: "Who got it by {channel} calls it spam, says {provider}; nothing more is sent there.",
}
"""What a provider said of a message, by state."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one notification, in sentences by time."""

    notification: str
    tenant: str
    user: str
    workflow: str | None
    version: int | None
    event_id: str | None
    accepted_at: str | None
    state: TimelineState
    sentences: list[Sentence]
    now: list[Sentence]
    """What it waits for, and how it ended on each channel."""
    next_steps: list[str]
    """What somebody may do about it."""
    complete: bool


def why(timeline: Timeline) -> Why:
    """The timeline in sentences."""
    return Why(
        notification=timeline.notification,
        tenant=timeline.tenant,
        user=timeline.user,
        workflow=timeline.workflow,
        version=timeline.version,
        event_id=timeline.event_id,
        accepted_at=timeline.accepted_at,
        state=timeline.state,
        sentences=sorted(_sentences(timeline), key=lambda one: one.at or ""),
        now=list(_now(timeline)),
        next_steps=_next_steps(timeline),
        complete=timeline.complete,
    )


def _sentences(timeline: Timeline) -> Iterator[Sentence]:
    version = f" v{timeline.version}" if timeline.version else ""
    what = f"{timeline.workflow or 'an unknown workflow'}{version} for {timeline.user}"
    if timeline.accepted_at:
        origin = f" It came of the event {timeline.event_id}." if timeline.event_id else ""
        yield Sentence(text=f"It was accepted: {what}.{origin}", at=timeline.accepted_at)
    decided = {(one.partition, one.offset) for one in timeline.decisions}
    waits_for_read = False
    for decision in timeline.decisions:
        of_run = decision.subject == timeline.notification
        yield from _decided(decision, unread=of_run and waits_for_read and _goes_on(decision))
        if of_run:
            waits_for_read = any(item.get("reason") == Reason.WAITS_FOR_READ for item in decision.items)
    for entry in timeline.entries:
        where = (entry.detail.get("partition"), entry.detail.get("offset"))
        if where not in decided:
            yield from _status(entry)


def _decided(decision: DecisionEntry, *, unread: bool) -> Iterator[Sentence]:
    if decision.kind in AGAIN:
        yield Sentence(text=AGAIN[decision.kind], at=decision.at)
    if unread:
        yield Sentence(text="It was not read until then.", at=decision.at, rule=Rule.READ)
    for item in decision.items:
        yield item_sentence(item, decision.at)


def _goes_on(decision: DecisionEntry) -> bool:
    """What was waited for was asked about, and let it pass: no rule of the whole stopped it, and it was not read."""
    return not any(item.get("rule") in WHOLE or item.get("reason") == Reason.ALREADY_READ for item in decision.items)


def _status(entry: StatusEntry) -> Iterator[Sentence]:
    items = entry.detail.get("items")
    if isinstance(items, list):  # of a decision that is not kept any more
        for item in items:
            if entry.type != "delivery" or item.get("outcome") != "deliver":
                yield item_sentence(item, entry.at)
        return
    yield Sentence(
        text=_said(entry),
        at=entry.at,
        reason=entry.reason,
        until=entry.detail.get("due"),
        step=entry.detail.get("step"),
        channel=entry.channel,
    )


def _said(entry: StatusEntry) -> str:
    state, channel, detail = entry.state, entry.channel or entry.type, entry.detail
    code = f" (code {detail['code']})" if detail.get("code") else ""
    because = f": {meaning(entry.reason)}" if entry.reason else ""
    due = detail.get("due")
    account, _, provider = str(detail.get("provider")).partition("/")
    if entry.type == "inbox":
        if detail.get("withdrawn"):
            return "Its sender withdrew it: it is gone from the inbox."
        newer = detail.get("replaced_by")
        return f"In the inbox {newer} took its place." if newer else f"In the inbox it is {state} now."
    if state == "sent":
        through = f" through {provider}" if account == channel else ""  # an endpoint of the recipient's has no name
        variant = f" as variant {detail['variant']}" if detail.get("variant") else ""
        return f"It was sent by {channel}{through}{variant}, at attempt {detail.get('attempts', 1)}."
    if state == "retrying":
        return f"Attempt {detail.get('attempts', 1)} by {channel} failed{code}; the next one is at {due}."
    if state == "parked":
        return f"By {channel} it waits until {due} at the latest{because}{code}."
    if state == ReceiptState.DELIVERED and entry.channel == Channel.IN_APP:
        return "It has reached a socket of its user."
    if state in TOLD:
        return TOLD[state].format(channel=channel, provider=provider, code=code)
    if state == "dead":
        return f"By {channel} it is a dead letter{because}{code}."
    return f"By {channel} it is {state}{because}{code}."


def _now(timeline: Timeline) -> Iterator[Sentence]:
    waiting = {channel.channel for channel in timeline.channels if channel.channel and channel.state in SAY_WHY}
    for hold in timeline.holds:
        if hold.channel not in waiting:  # its state says it, and why
            yield _waits(hold)
    if not timeline.channels:
        yield Sentence(text="It is not decided yet.")
    for channel in timeline.channels:
        if channel.state == "held" and timeline.holds:
            continue  # its hold says so
        where = f"By {channel.channel} it" if channel.channel else "It"
        step = f" in the step {channel.step}" if channel.step and not channel.channel else ""
        until = f" until {channel.until}" if channel.until and not channel.terminal else ""
        because = f": {meaning(channel.reason)}" if channel.reason else ""
        yield Sentence(
            text=f"{where} is {channel.state}{step}{until}{because}.",
            at=channel.at,
            reason=channel.reason,
            until=None if channel.terminal else channel.until,
            step=channel.step,
            channel=channel.channel,
        )


def _waits(hold: HoldEntry) -> Sentence:
    who = f"By {hold.channel} it" if hold.channel else "It"
    what = WAITS_FOR.get(hold.cause, hold.cause.replace("_", " "))
    return Sentence(text=f"{who} waits for {what}: {hold.due}.", until=hold.due, channel=hold.channel)


def _next_steps(timeline: Timeline) -> list[str]:
    """What to do, each once; who is reached on one channel may do without an address for another."""
    reached = any(channel.state in REACHED for channel in timeline.channels)
    steps: dict[str, None] = {}
    for channel in timeline.channels:
        step = next_step(channel.reason) if channel.reason else None
        if step and not (reached and channel.reason == Reason.NO_ADDRESS):
            steps[step.replace("{user}", timeline.user)] = None
    return list(steps)
