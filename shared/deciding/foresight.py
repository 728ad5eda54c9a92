"""What would become of a notification: `route` asked now, and again for each time at which its run would go on.

Nothing but time is foreseen. What is not known yet is assumed, and said: what goes is sent, nobody reads it, nobody is
connected, nothing else is accepted meanwhile, and preferences stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.deciding.history import Count, DigestContent, History, Newest, StepOutcome
from shared.deciding.items import Counted, Deliver, DigestChange, Gathered, HoldUntil, Replaced, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.deciding.sentences import Sentence, ShownItem, item_sentence, shown
from shared.model.holds import Cause
from shared.model.records import Kind
from shared.model.timestamps import rfc3339

MAX_STAGES: Final = 60
"""More than a workflow has steps that wait."""
ASSUMED: Final = {
    Cause.WAIT_FOR_READ: "if it is not read until then",
    Cause.DIGEST: "with what was gathered until then",
}


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. `at` in milliseconds since the epoch."""

    at: int
    items: tuple[RoutingItem, ...]
    condition: str | None = None
    """What must hold for it to come about."""


def foresee(inputs: RoutingInput) -> list[Stage]:
    """The decision now, then those that would follow, in their order."""
    stages: list[Stage] = []
    condition: str | None = None
    while len(stages) < MAX_STAGES:
        items = route(inputs)
        stages.append(Stage(at=inputs.now, items=items, condition=condition))
        hold = next((item for item in items if isinstance(item, HoldUntil) and item.channel is None), None)
        # Whatever an operator has stopped goes on when they say so.
        if hold is None or hold.cause is Cause.STOPPED or hold.due <= inputs.now:
            break
        condition = ASSUMED.get(hold.cause)
        inputs = _after(inputs, items, hold)
    return stages


def shown_items(stages: Sequence[Stage]) -> list[ShownItem]:
    """All items for people, each with the time at which it is decided."""
    found: list[ShownItem] = []
    for stage in stages:
        about = {"at": rfc3339(stage.at)} | ({} if stage.condition is None else {"condition": stage.condition})
        found += [shown(msgspec.to_builtins(item)) | about for item in stage.items]
    return found


def foreseen_sentences(stages: Sequence[Stage]) -> list[Sentence]:
    """The stages in sentences."""
    found: list[Sentence] = []
    for position, stage in enumerate(stages):
        at = rfc3339(stage.at)
        if position:
            condition = "" if stage.condition is None else f", {stage.condition}"
            found.append(Sentence(text=f"Then, at {at}{condition}:", at=at))
        found += [item_sentence(shown(msgspec.to_builtins(item)), at) for item in stage.items]
    return found


def known_user(stages: Sequence[Stage]) -> Suppress | None:
    """What says that somebody else is notified instead; None: nobody is."""
    return next((item for item in stages[-1].items if isinstance(item, Suppress) and item.user is not None), None)


def _after(inputs: RoutingInput, items: Sequence[RoutingItem], hold: HoldUntil) -> RoutingInput:
    """What would be asked when the hold comes due."""
    about = inputs.notification
    if hold.expires_at is not None:
        about = msgspec.structs.replace(about, expires_at=hold.expires_at)
    return msgspec.structs.replace(
        inputs,
        notification=about,
        now=hold.due,
        event=Kind.RELEASE,
        step=hold.step,
        digest=hold.digest or inputs.digest,
        history=_history(inputs, items),
    )


def _history(inputs: RoutingInput, items: Sequence[RoutingItem]) -> History:
    """With what these items add to it."""
    about, history = inputs.notification, inputs.history or History()
    counters, outcomes = dict(history.counters), dict(history.outcomes)
    content, newest, digests = history.content, history.newest, dict(history.digests)
    for item in items:
        if isinstance(item, Counted):
            count = Count(notification=about.id, at=inputs.now)
            counters[item.counter] = (*counters.get(item.counter, ()), count)
        elif isinstance(item, Replaced):
            newest = Newest(notification=about.id, happened_at=about.happened_at, before=item.notification)
        elif isinstance(item, Deliver):
            outcomes[item.step] = StepOutcome(sent=True)
        elif isinstance(item, Suppress) and item.step is not None:
            outcomes.setdefault(item.step, StepOutcome(suppressed=True))
        elif isinstance(item, Gathered):
            digests.pop(item.slot, None)
            if item.change is not DigestChange.CLOSE:
                content = DigestContent(numbered=max(1, item.items), members=(about.id,), data=(about.data,))
    return History(
        counters=counters, digests=digests, content=content, newest=newest, outcomes=outcomes, online=history.online
    )
