"""What takes whose place: of several with the same collapse key the newest by its own time, or whom its producer names."""

from __future__ import annotations

from shared.deciding.facts import collapse_id, superseded_id
from shared.deciding.items import Replaced, RoutingItem, Suppress
from shared.deciding.routing_input import RoutingInput
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule


def ask_collapse(inputs: RoutingInput) -> tuple[RoutingItem, ...]:
    """What a notification with a collapse key does: it is superseded, or takes the place of an older one, or neither.

    Of two that happened at the same time, the one that is decided later is the newer one.
    """
    about = inputs.notification
    newest = inputs.history.newest if inputs.history else None
    if newest is not None and newest.notification == about.id:
        return ()
    is_new = inputs.event is Kind.NOTIFY  # what was stopped before it came here comes back as something else
    if newest is not None and (newest.happened_at, not is_new) > (about.happened_at, False):
        return (Suppress(reason=Reason.SUPERSEDED, rule=Rule.COLLAPSE, channel=inputs.channel, step=inputs.step),)
    replaced = None if newest is None else newest.notification
    return (Replaced(rule=Rule.COLLAPSE, slot=collapse_id(about, about.life), notification=replaced),)


def ask_superseded(inputs: RoutingInput) -> tuple[RoutingItem, ...]:
    """What comes back ends if a later one has named it; one that names another takes its place. None in a digest."""
    if inputs.is_digest:
        return ()
    about, history = inputs.notification, inputs.history
    if history is not None and history.superseded_by is not None:
        return (Suppress(reason=Reason.SUPERSEDED, rule=Rule.COLLAPSE, channel=inputs.channel, step=inputs.step),)
    earlier = about.superseded
    if earlier is None or inputs.channel is not None or inputs.step is not None:
        return ()
    slot = superseded_id(about, about.life, earlier)
    return (Replaced(rule=Rule.COLLAPSE, slot=slot, notification=earlier, named=True),)


def replaced_by(inputs: RoutingInput) -> str | None:
    """The notification that this one replaces: its unread inbox item gives way.

    A digest whose first item was replaced meanwhile goes on without it, and replaces nothing.
    """
    newest = inputs.history.newest if inputs.history is not None else None
    if newest is None or inputs.notification.collapse_key is None:
        return None
    if newest.notification == inputs.notification.id:
        return newest.before
    return None if inputs.is_digest else newest.notification
