"""A channel that reaches devices: one delivery for each, and what it means that one of them failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.deciding.items import Deliver, RoutingItem
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import CHANNEL_SPECS
from shared.model.devices import DEFAULT_ENDPOINT, DEVICE, DeviceAddress, devices_of

PER_DEVICE: Final = frozenset(channel for channel, spec in CHANNEL_SPECS.items() if spec.per_device)


def reachable(inputs: RoutingInput) -> list[DeviceAddress]:
    """The recipient's devices; of a delivery that comes back, its own alone. None of them: they are gone."""
    contact = inputs.notification.contact
    found = devices_of(inputs.profile) if inputs.profile is not None else []
    if not found and contact is not None and DEVICE.name in contact.addresses:
        found = [DeviceAddress(DEFAULT_ENDPOINT, contact.addresses[DEVICE.name])]
    earlier = inputs.delivery
    if earlier is not None and earlier.channel is inputs.channel and earlier.channel in PER_DEVICE:
        return [device for device in found if device.endpoint == earlier.endpoint]
    return found


def each_device(items: Sequence[RoutingItem], inputs: RoutingInput) -> tuple[RoutingItem, ...]:
    """The items, with one for each device instead of one for all."""
    found: list[RoutingItem] = []
    for item in items:
        if isinstance(item, Deliver) and item.channel in PER_DEVICE:
            found += [
                msgspec.structs.replace(item, address=address, endpoint=endpoint)
                for endpoint, address in reachable(inputs)
            ]
        else:
            found.append(item)
    return tuple(found)


def others_may_have_it(inputs: RoutingInput, step: str) -> bool:
    """Whether another device of the step got the notification, or may still get it; then this one's end changes nothing."""
    if inputs.channel not in PER_DEVICE or inputs.history is None:
        return False
    outcome = inputs.history.outcomes.get(step)
    return outcome is not None and not outcome.failed
