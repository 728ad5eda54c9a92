"""The channels: a row each, which is all that the rest of the platform knows of one.

A new channel is a member and a row here (with its template or kind of address, where those are new), a folder
`services/delivery/channels/<name>/` and a manifest `deploy/k8s/base/delivery-<name>.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from shared.model import formats
from shared.model.addresses import CHAT_URL, EMAIL_ADDRESS, PHONE_NUMBER, WEBHOOK_URL, AddressKind
from shared.model.apprise_targets import APPRISE_TARGET
from shared.model.devices import DEVICE
from shared.model.telegram_chats import TELEGRAM_CHAT
from shared.model.templates import (
    AppriseTemplate,
    ChatTemplate,
    EmailTemplate,
    InAppTemplate,
    PushTemplate,
    SmsTemplate,
    TelegramTemplate,
    WhatsAppTemplate,
)


class Lane(StrEnum):
    """Two queues per channel, so that a campaign never stands in front of a one-time code."""

    NORMAL = "normal"
    EXPRESS = "express"


BOTH_LANES: Final = (Lane.NORMAL, Lane.EXPRESS)


@dataclass(frozen=True, kw_only=True)
class ChannelSpec:
    """One channel. Topics, profiles, workflows, rules and the delivery workers read it."""

    address: AddressKind | None
    """What it reaches people at; None: the user id is enough, and a person without an account is not reached."""
    noisy: bool
    """Whether quiet hours hold it."""
    template: type[msgspec.Struct] | None = None
    """The parts of its texts in a workflow; None: it carries the data and needs no text."""
    lanes: tuple[Lane, ...] = BOTH_LANES
    since: int = formats.OLDEST
    """The format that it came with: what names it carries this number, so that versions without it leave it alone."""
    per_device: bool = False
    """One delivery for each of the user's devices."""
    suppresses_dead: bool = False
    """What it calls a dead address is one, whoever sends there and by whatever: it goes on the suppression list."""
    at_most_once: bool = False
    """By default a delivery over which a worker died in mid-send is left `unconfirmed` instead of sent again."""


class Channel(StrEnum):
    """Where a delivery goes. A name is never used again for something else: ids, topics and preferences hold it."""

    IN_APP = "in_app"
    EMAIL = "email"
    WEBHOOK = "webhook"
    SMS = "sms"
    PUSH = "push"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    CHAT = "chat"
    PULL = "pull"
    APPRISE = "apprise"

    @property
    def spec(self) -> ChannelSpec:
        """The channel's row in CHANNEL_SPECS."""
        return CHANNEL_SPECS[self]


CHANNEL_SPECS: Final[dict[Channel, ChannelSpec]] = {
    # An inbox row's offset is its reader's cursor, so all rows of a user pass one lane.
    Channel.IN_APP: ChannelSpec(address=None, noisy=False, template=InAppTemplate, lanes=(Lane.NORMAL,)),
    Channel.EMAIL: ChannelSpec(address=EMAIL_ADDRESS, noisy=True, template=EmailTemplate, suppresses_dead=True),
    Channel.WEBHOOK: ChannelSpec(address=WEBHOOK_URL, noisy=False),
    Channel.SMS: ChannelSpec(address=PHONE_NUMBER, noisy=True, template=SmsTemplate, since=2, suppresses_dead=True),
    Channel.PUSH: ChannelSpec(address=DEVICE, noisy=True, template=PushTemplate, since=2, per_device=True),
    # Who is not on WhatsApp still gets SMS.
    Channel.WHATSAPP: ChannelSpec(address=PHONE_NUMBER, noisy=True, template=WhatsAppTemplate, since=2),
    Channel.TELEGRAM: ChannelSpec(address=TELEGRAM_CHAT, noisy=True, template=TelegramTemplate, since=2),
    Channel.CHAT: ChannelSpec(address=CHAT_URL, noisy=True, template=ChatTemplate, since=2),
    # Any of the producer's senders may take any of them: there is no order to keep, and an urgent one must not wait its turn.
    Channel.PULL: ChannelSpec(address=None, noisy=False, since=2),
    Channel.APPRISE: ChannelSpec(address=APPRISE_TARGET, noisy=True, template=AppriseTemplate, since=2),
}
ADDRESS_KINDS: Final[dict[str, AddressKind]] = {
    kind.name: kind
    for kind in (EMAIL_ADDRESS, PHONE_NUMBER, WEBHOOK_URL, *(spec.address for spec in CHANNEL_SPECS.values()))
    if kind is not None
}
"""By name, what a profile or an inline person may be reached at. The first that an inline person has names them."""
