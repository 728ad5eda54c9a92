"""Whom the load notifies, in two tenants with users of the same ids; and whose every address is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.catalog.files import read_folder
from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.mongo.api_keys import create
from tests.chaos.rules import WORKFLOWS
from tests.support.env import CATALOG, Harness

USERS = 40
OTHERS = 10
FIRST_CHAT = 100_000
OTHER = "other"
"""A second tenant; its users have the ids of the first one's."""


@dataclass(kw_only=True)
class People:
    """Profiles as bodies of a PUT; every address that one has is remembered with its owner."""

    harness: Harness
    addresses: dict[str, str] = field(default_factory=dict)
    """E-mail addresses and names of hooks to owners."""
    keys: dict[str, str] = field(default_factory=dict)
    """API keys by tenant."""

    async def settle_in(self) -> None:
        """The second tenant, and everybody's profile: some want no e-mail, some have no address at all."""
        self.keys["default"] = await self.harness.api_key()
        names = self.harness.names
        publisher = Publisher(names.brokers.kafka, client_id="tests")
        async with self.harness.database() as database:
            await publish(database, publisher, names.topics, OTHER, read_folder(CATALOG))
            await publish(database, publisher, names.topics, "default", WORKFLOWS)
            self.keys[OTHER] = await create(database, tenant=OTHER, scopes=self.harness.scopes, name="tests")
        await publisher.stop()
        for number in range(USERS):
            profile = self.profile(f"u{number}")
            if number % 10 == 1:
                profile["preferences"] = {"channel_types": {"email": False}}
            if number % 10 == 2:
                profile = {"addresses": {}}
            await self.harness.call("PUT", f"/v1/users/u{number}", json=profile)
        headers = {"authorization": f"Bearer {self.keys[OTHER]}"}
        for number in range(OTHERS):
            profile = self.profile(f"u{number}", tenant=OTHER)
            await self.harness.call("PUT", f"/v1/users/u{number}", json=profile, headers=headers)

    def profile(self, user: str, *, tenant: str = "default", life: int = 0, **more: Any) -> dict[str, Any]:
        """Somebody with every address; `more` replaces fields."""
        name = f"{user}-{life}" if tenant == "default" else f"{tenant}-{user}-{life}"
        owner = f"{tenant}:{user}#{life}"
        self.addresses |= {f"{name}@example.com": owner, name: owner}
        hook = self.harness.url("sink") + f"/hooks/{name}"
        return {"addresses": {"email": f"{name}@example.com", "webhook": hook}, "zone": "UTC"} | more

    def reached(self, user: str, number: int) -> dict[str, Any]:
        """A telephone, two chats and two devices of a user, as fields of a profile."""
        phone, chat, owner = f"+4915{number:09}", str(FIRST_CHAT + number), f"default:{user}#0"
        room = f"room-of-{user}"
        tokens = [f"{device}-of-{user}" for device in ("phone", "tablet")]
        self.addresses |= dict.fromkeys((phone, chat, room, *(f"fcm:{token}" for token in tokens)), owner)
        hook = self.harness.url("sink") + f"/slack/services/{room}"
        return {
            "addresses": {"phone": phone, "telegram": chat, "chat": hook},
            "devices": [{"platform": "fcm", "token": token} for token in tokens],
        }


def refused_by(number: int) -> frozenset[Channel]:
    """What the user of this number never gets."""
    if number % 10 == 1:
        return frozenset({Channel.EMAIL})
    return frozenset({Channel.EMAIL, Channel.WEBHOOK}) if number % 10 == 2 else frozenset()
