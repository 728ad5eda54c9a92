"""What a notification's rules will ask of what happened before: known before they are asked, so that it is read in bulk."""

from __future__ import annotations

import msgspec

from shared.deciding.caps import cap_id, caps_of
from shared.deciding.facts import Facts, collapse_id, superseded_id
from shared.deciding.items import Gathered
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.devices import PER_DEVICE
from shared.deciding.steps.digest import digest_slot
from shared.deciding.steps.throttle import throttle_id
from shared.model.notifications import Notification
from shared.model.records import Kind
from shared.model.step_asks import Asks
from shared.model.step_order import walk
from shared.model.steps import DigestStep, ThrottleStep
from shared.model.workflows import Workflow


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The ids of what one decision looks at."""

    counters: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    collapse: str | None = None
    superseded: str | None = None
    """Where a later one that names it would stand."""
    digest: str | None = None
    """The one that it may close."""
    shown: int = 0
    """How many of its members are shown."""
    closed: Gathered | None = None
    """How a stored decision closed it: what it had then is frozen, whatever was taken out since."""
    outcomes: Notification | None = None
    """The one whose earlier steps are asked about."""
    online: str | None = None
    """The user (`tenant:user`) whose presence is."""


def asked(inputs: RoutingInput) -> Asked | None:
    """None: nothing, as of most notifications."""
    workflow, about = inputs.workflow, inputs.notification
    if workflow is None:
        return None
    caps = tuple([cap_id(cap, about) for cap in caps_of(inputs.tenant, workflow)])
    siblings = _asks_siblings(inputs)
    later = inputs.event is not Kind.NOTIFY
    back = later and not inputs.is_digest and not inputs.forced
    says_more = about.collapse_key is not None or about.supersedes is not None
    if not workflow.asks and not caps and not says_more and not siblings and not back:
        return None
    counters, slots, shown = _of_steps(inputs, workflow)
    return Asked(
        counters=caps + counters,
        slots=slots,
        collapse=collapse_id(about, about.life) if about.collapse_key is not None else None,
        superseded=superseded_id(about, about.life, about.id) if back else None,
        digest=inputs.digest,
        shown=shown,
        outcomes=about if siblings or (later and Asks.STEPS in workflow.asks) else None,
        online=f"{about.tenant}:{about.user}" if Asks.PRESENCE in workflow.asks else None,
    )


def _asks_siblings(inputs: RoutingInput) -> bool:
    """Whether it matters what became of the rest of its step: of other devices, or of the channels that took its place."""
    if inputs.event is Kind.REDRIVE:
        return not inputs.forced
    return inputs.event is Kind.FAILED and inputs.channel in PER_DEVICE


def _of_steps(inputs: RoutingInput, workflow: Workflow) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Counters and slots of its throttles and digests, and how many members of one are shown."""
    if not workflow.asks & {Asks.COUNTERS, Asks.DIGESTS}:
        return (), (), 0
    facts = Facts(inputs)
    steps = [step for _, step in walk(workflow.steps)]
    digests = [step for step in steps if isinstance(step, DigestStep)]
    shown = max((step.max_items for step in digests), default=0)
    if inputs.channel is not None:  # one channel that comes back passes none of them again
        return (), (), shown
    return (
        tuple(throttle_id(inputs, step, facts) for step in steps if isinstance(step, ThrottleStep)),
        tuple(digest_slot(inputs, step, facts) for step in digests),
        shown,
    )
