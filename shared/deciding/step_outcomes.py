"""What became of a run's earlier steps: from what was decided, and from what its channels made of it.

A step was sent when one of its channels was; it failed when none was, none is under way and one of them came to nothing;
it was suppressed when it was neither. What nobody knows (not sent yet, or sent without an answer) is none of these.
Read is what its inbox no longer counts as unread: read, archived, or deleted by its user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from shared.deciding.history import StepOutcome
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.notifications import Notification
from shared.model.reasons import Reason
from shared.model.receipts import ReceiptState


class ChannelResult(StrEnum):
    """What became of one channel of a step."""

    OPEN = "open"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


_Place = tuple[str, str | None, str]
"""A step, its channel (None: all of it) and the device."""


class ChannelFact(NamedTuple):
    """One thing that is known of a step; `step` is None in rows from before they said it."""

    step: str | None
    channel: str | None
    """None: the whole step."""
    result: ChannelResult
    read: bool = False
    seen: bool = False
    endpoint: str = DEFAULT_ENDPOINT
    """Which device, of a channel that reaches several."""
    generation: int = 0
    """How often it was redriven."""


class OutcomeReader(Protocol):
    """Where `decide` asks what became of earlier steps."""

    async def outcomes(self, notifications: Sequence[Notification], /) -> dict[str, dict[str, StepOutcome]]:
        """By notification id and step key, as it is now; steps of which nothing is known are left out.

        Raises MongoUnavailable.
        """
        ...


_BY_STATE: Final[Mapping[str, ChannelResult]] = {
    DeliveryState.SENT: ChannelResult.SENT,
    DeliveryState.DEAD: ChannelResult.FAILED,
    DeliveryState.EXPIRED: ChannelResult.FAILED,
    DeliveryState.CANCELLED: ChannelResult.SUPPRESSED,
    DeliveryState.SUPPRESSED: ChannelResult.SUPPRESSED,
    ReceiptState.DELIVERED: ChannelResult.SENT,
    ReceiptState.COMPLAINED: ChannelResult.SENT,
    ReceiptState.UNDELIVERED: ChannelResult.FAILED,
    ReceiptState.BOUNCED: ChannelResult.FAILED,
}
"""The others are under way, or nobody knows: unconfirmed, or a state of a newer version."""
_HAD: Final = frozenset({ChannelResult.SENT, ChannelResult.OPEN})
_BY_ITEM: Final[Mapping[object, ChannelResult]] = {
    "deliver": ChannelResult.OPEN,
    "hold": ChannelResult.OPEN,
    "suppress": ChannelResult.SUPPRESSED,
}


def delivery_fact(  # noqa: PLR0917  # the fields of a row
    step: str | None,
    channel: str,
    state: str,
    reason: str | None,
    endpoint: str = DEFAULT_ENDPOINT,
    generation: int = 0,
) -> ChannelFact:
    """A ledger row, with its receipt. One that fell back while its provider was down has failed."""
    result = ChannelResult.FAILED if reason == Reason.FELL_BACK else _BY_STATE.get(state, ChannelResult.OPEN)
    return ChannelFact(step, channel, result, endpoint=endpoint, generation=generation)


def inbox_fact(step: str | None, *, read: bool, seen: bool, archived: bool, deleted: bool) -> ChannelFact:
    """An inbox row; `deleted`: by its user."""
    handled = read or archived or deleted
    return ChannelFact(step, Channel.IN_APP, ChannelResult.SENT, handled, seen or handled)


def decided_facts(items: Iterable[Mapping[str, object]], generation: int = 0) -> list[ChannelFact]:
    """What a stored decision says of steps; its items are those of `shared.deciding.items`, as builtins."""
    facts = []
    for item in items:
        kind, step, channel, reason = (item.get(name) for name in ("type", "step", "channel", "reason"))
        result = _BY_ITEM.get(kind)
        whole = channel is None and kind != "suppress"  # a hold of the run, not of its step's channel
        if result is None or not isinstance(step, str) or whole:
            continue
        result = ChannelResult.FAILED if reason == Reason.FELL_BACK else result
        facts.append(
            ChannelFact(
                step,
                channel if isinstance(channel, str) else None,
                result,
                endpoint=str(item.get("endpoint", DEFAULT_ENDPOINT)),
                generation=generation,
            )
        )
    return facts


def outcomes_of(decided: Sequence[ChannelFact], made: Iterable[ChannelFact]) -> dict[str, StepOutcome]:
    """By step: `decided` in the order of the decisions, `made` by the channels, which is newer than any decision.

    Unless it was redriven, and its channel has not claimed it yet.
    """
    known: dict[_Place, list[ChannelFact]] = {}
    for fact in decided:
        if fact.step is not None:
            if fact.endpoint != DEFAULT_ENDPOINT:  # what was said of the channel before is said of each device now
                known.pop((fact.step, fact.channel, DEFAULT_ENDPOINT), None)
            known[fact.step, fact.channel, fact.endpoint] = [fact]
    rows: dict[_Place, list[ChannelFact]] = defaultdict(list)
    for fact in made:
        step = fact.step or _only_step(known, fact.channel)
        if step is None:
            continue
        place = step, fact.channel, fact.endpoint
        if fact.result is ChannelResult.SENT or all(fact.generation >= one.generation for one in known.get(place, ())):
            rows[place].append(fact)
    by_step: dict[str, list[ChannelFact]] = defaultdict(list)
    for (step, _, _), facts in (known | rows).items():
        by_step[step] += facts
    return {step: _outcome(facts) for step, facts in by_step.items()}


def _only_step(known: Iterable[_Place], channel: str | None) -> str | None:
    """The step of a row that does not say it: where only one was decided to send on its channel, that one."""
    steps = {step for step, sends_on, _ in known if sends_on == channel}
    return steps.pop() if len(steps) == 1 else None


def _outcome(facts: Sequence[ChannelFact]) -> StepOutcome:
    found = {fact.result for fact in facts}
    sent, ended = ChannelResult.SENT in found, not found & {ChannelResult.SENT, ChannelResult.OPEN}
    failed = ended and ChannelResult.FAILED in found
    return StepOutcome(
        sent=sent,
        failed=failed,
        read=any(fact.read for fact in facts),
        seen=any(fact.seen for fact in facts),
        suppressed=ended and not failed,
        had_by=tuple(sorted({fact.channel for fact in facts if fact.result in _HAD and fact.channel is not None})),
    )
