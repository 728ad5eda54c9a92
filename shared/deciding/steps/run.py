"""A notification at one step of its workflow, and what the step made of it."""

from __future__ import annotations

import msgspec

from shared.deciding.items import RoutingItem
from shared.deciding.routing_input import RoutingInput
from shared.model.steps import ChannelStep
from shared.model.workflows import Workflow


class StepRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where the notification stands."""

    inputs: RoutingInput
    workflow: Workflow
    step: ChannelStep


class StepResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the step decided, in the order of its channels."""

    items: tuple[RoutingItem, ...]
