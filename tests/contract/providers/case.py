"""What is known of a provider of an HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from services.delivery.channels.http_sender import HttpProvider, HttpSender
from services.delivery.outbound.http import HttpClient
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow
from tests.support import samples as a

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class ApiCase:
    """One provider."""

    name: str
    """As the settings and the sink name it."""
    channel: Channel
    templates: Templates
    make: Callable[[str], HttpProvider]
    """With the sink's account; the argument is the sink's URL."""
    address: Callable[[int], str]
    """Of the numberth recipient."""
    delivery_id: Callable[[Mapping[str, Any]], str]
    """Of a message as the sink kept it; where the provider has no field for it, by the recipient."""
    temporary: Mapping[str, Any] = field(default_factory=lambda: {"mode": "status", "status": 500})
    permanent: Mapping[str, Any]
    """Faults of the sink."""
    outcomes: Mapping[str, Any] = field(default_factory=dict)
    """Of faults of the matrix that mean something else here."""

    def at(self, url: str) -> Self:
        """The same, where the sink is at this URL; for those whose recipients say where it is."""
        del url
        return self

    def named(self, number: int) -> str:
        """The numberth recipient as the sink names them."""
        return self.address(number)

    def sender(self, url: str) -> HttpSender:
        """As its channel opens it."""
        return HttpSender(self.make(url), HttpClient(timeout_seconds=TIMEOUT_SECONDS))

    def delivery(self, number: int, **changes: Any) -> Delivery:
        """To the numberth recipient."""
        known = {"id": f"delivery-{number}", "channel": self.channel, "address": self.address(number)}
        return a.delivery(**(known | changes))

    def workflow(self) -> Workflow:
        """One with texts for the channel."""
        return a.workflow(templates=self.templates)


def phone(number: int) -> str:
    """A German mobile number."""
    return f"+4915112345{number:03}"


def by_phone(message: Mapping[str, Any]) -> str:
    """The delivery that went to such a number."""
    return f"delivery-{int(message['to'][0][-3:])}"
