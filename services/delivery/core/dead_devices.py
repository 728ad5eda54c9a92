"""What follows when a provider says that a device is gone: it leaves the profile, and that is told."""

from __future__ import annotations

import msgspec

from shared.model import ids
from shared.model.dead_devices import DeadDevice
from shared.model.deliveries import Delivery, DeliveryResult
from shared.model.devices import DEVICE, platform_of
from shared.model.outputs import Output
from shared.model.reasons import Reason
from shared.model.records import encode, profile_changed
from shared.model.statuses import Subject, status
from shared.model.topics import Topics


class DeviceRemoval(msgspec.Struct, frozen=True, kw_only=True):
    """A device to take out of a profile, and what is to be written once it is in there no more."""

    dead: DeadDevice
    outputs: list[Output]


def device_removal(topics: Topics, delivery: Delivery, result: DeliveryResult) -> DeviceRemoval | None:
    """None: it is no device, or none of a profile; or it was a test, which goes to another device than its own."""
    about = delivery.notification
    named_inline = about.contact is not None and about.contact.addresses.get(DEVICE.name) == delivery.address
    if result.reason is not Reason.DEAD_ADDRESS or not delivery.channel.spec.per_device or named_inline or result.mode:
        return None
    dead = DeadDevice(
        tenant=about.tenant,
        user=about.user,
        life=about.life,
        address=delivery.address,
        profile_version=delivery.profile_version,
        at=result.at,
    )
    # The router forgets the profile before anybody hears of it: who answers the status finds it without the device.
    record = encode(profile_changed(about.tenant, about.user, about.life))
    changed = Output(topics.notifications, ids.user_key(about.tenant, about.user), record, [])
    return DeviceRemoval(dead=dead, outputs=[changed, _device_removed(topics, delivery, result)])


def _device_removed(topics: Topics, delivery: Delivery, result: DeliveryResult) -> Output:
    """`carillon.device.removed`: which delivery found it dead; never the token."""
    about, platform = delivery.notification, platform_of(delivery.address)
    return status(
        topics.statuses,
        area="device",
        state="removed",
        subject=Subject(delivery.id, delivery.generation, delivery.pass_),
        tenant=about.tenant,
        user=about.user,
        at=result.at,
        data={
            "notification": about.id,
            "delivery": delivery.id,
            "channel": delivery.channel,
            "platform": platform[0] if platform is not None else None,
            "endpoint": delivery.endpoint,
            "code": result.code,
        },
    )
