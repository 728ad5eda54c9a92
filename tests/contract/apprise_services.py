"""Apprise's own services, as the channel opens them, and targets that are hooks of the sink."""

from __future__ import annotations

from services.delivery.channels.apprise.calls import Notify
from services.delivery.channels.apprise.library import open_service
from services.delivery.channels.apprise.sender import AppriseSender
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import AppriseTemplate
from tests.contract.sinks import Sink
from tests.support import samples as a

TIMEOUT_SECONDS = 2.0
WORKFLOW = a.workflow(
    templates=Templates(apprise=AppriseTemplate(text="Order <{{ data.order }}> *is* on its way", title="Shipped"))
)
FAULTS = {"temporary": {"mode": "status", "status": 503}, "down": {"mode": "down"}}


def sender(targets: dict[str, str], timeout_seconds: float = TIMEOUT_SECONDS) -> AppriseSender:
    """As the channel opens it."""

    def opened(url: str) -> Notify:
        found = open_service(url, timeout_seconds)
        assert found is not None, url
        return found

    return AppriseSender(targets, opened, timeout_seconds=timeout_seconds)


def to(name: str, number: int = 1) -> Delivery:
    return a.delivery(id=f"delivery-{number}", channel=Channel.APPRISE, address=name)


class AppriseHooks:
    """A sender, and the other end of it. No answer says never: what lasts is that nobody has such a name."""

    workflow = WORKFLOW

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.unknown = False
        names = [f"delivery-{number}" for number in range(30)]
        self.sender = sender({name: f"json://127.0.0.1:{sink.http}/hooks/{name}" for name in names})

    def delivery(self, number: int) -> Delivery:
        return to("nobody" if self.unknown else f"delivery-{number}", number)

    async def cause(self, trouble: str | None) -> None:
        self.unknown = trouble == "permanent"
        await self.sink.call("PUT", "/faults", json={"webhook": FAULTS[trouble]} if trouble in FAULTS else {})

    async def accepted(self) -> list[str]:
        """By the hooks: the delivery id reaches nobody."""
        found = (await self.sink.call("GET", "/messages?kind=webhook"))["messages"]
        return [str(message["to"][0]) for message in found]
