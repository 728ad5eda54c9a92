"""What every sender promises: the stub and, over real local servers, each channel's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from functools import partial
from math import inf
from typing import Any, Protocol

import pytest

from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.sender import Sender
from services.delivery.channels.stub import StubSender
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow
from tests.contract.apprise_services import AppriseHooks
from tests.contract.providers import CASES
from tests.contract.providers.case import ApiCase
from tests.contract.sinks import Sink
from tests.support import samples as a

FROM = "carillon@example.com"


class Trouble(StrEnum):
    """What a provider can be told to do to what comes next."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    DOWN = "down"


class Provider(Protocol):
    """A sender, and the other end of it."""

    @property
    def sender(self) -> Sender: ...

    def delivery(self, number: int) -> Delivery: ...

    @property
    def workflow(self) -> Workflow: ...

    async def cause(self, trouble: Trouble | None) -> None: ...

    async def accepted(self) -> list[str]:
        """The ids of the deliveries that it took, as it was told them."""
        ...


SMTP_FAULTS = {Trouble.TEMPORARY: "tempfail", Trouble.PERMANENT: "reject", Trouble.DOWN: "down"}
HTTP_FAULTS = {
    Trouble.TEMPORARY: {"mode": "status", "status": 503},
    Trouble.PERMANENT: {"mode": "status", "status": 410},
    Trouble.DOWN: {"mode": "down"},
}
STUB_OUTCOMES: dict[Trouble | None, Outcome] = {
    None: Sent(),
    Trouble.TEMPORARY: Failed(),
    Trouble.PERMANENT: Rejected(),
    Trouble.DOWN: ProviderUnavailable(),
}


class Api:
    """A provider of an HTTP API."""

    def __init__(self, case: ApiCase, sink: Sink) -> None:
        self.case, self.sink = case.at(f"http://127.0.0.1:{sink.http}"), sink
        self.sender = case.sender(f"http://127.0.0.1:{sink.http}")
        self.workflow = case.workflow()

    def delivery(self, number: int) -> Delivery:
        return self.case.delivery(number)

    async def cause(self, trouble: Trouble | None) -> None:
        faults = {
            Trouble.TEMPORARY: self.case.temporary,
            Trouble.PERMANENT: self.case.permanent,
            Trouble.DOWN: {"mode": "down"},
        }
        plan = {"providers": {self.case.name: faults[trouble]}} if trouble else {}
        await self.sink.call("PUT", "/faults", json=plan)

    async def accepted(self) -> list[str]:
        found = (await self.sink.call("GET", "/messages"))["messages"]
        return [self.case.delivery_id(message) for message in found]


class Email:
    workflow = a.workflow()

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.sender = EmailSender(EmailSettings(smtp_port=sink.smtp, email_from=FROM))

    def delivery(self, number: int) -> Delivery:
        return a.delivery(id=f"delivery-{number}", address=f"user-{number}@example.com")

    async def cause(self, trouble: Trouble | None) -> None:
        await self.sink.call("PUT", "/faults", json={"email": {"mode": SMTP_FAULTS[trouble]}} if trouble else {})

    async def accepted(self) -> list[str]:
        return [found.strip("<>").partition("@")[0] for found in await self.sink.accepted("email", "Message-ID")]


class Webhook:
    workflow = a.workflow()

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.sender = WebhookSender(WebhookSettings(webhook_secret="w" * 40, webhook_allow="127.0.0.0/8"))

    def delivery(self, number: int) -> Delivery:
        address = f"http://127.0.0.1:{self.sink.http}/hooks/user-{number}"
        return a.delivery(id=f"delivery-{number}", channel=Channel.WEBHOOK, address=address)

    async def cause(self, trouble: Trouble | None) -> None:
        await self.sink.call("PUT", "/faults", json={"webhook": HTTP_FAULTS[trouble]} if trouble else {})

    async def accepted(self) -> list[str]:
        return await self.sink.accepted("webhook", "webhook-id")


class Stub:
    workflow = a.workflow()

    def __init__(self, _: Sink | None) -> None:
        self.sender = StubSender()

    def delivery(self, number: int) -> Delivery:
        return a.delivery(id=f"delivery-{number}")

    async def cause(self, trouble: Trouble | None) -> None:
        self.sender.outcome = lambda _: STUB_OUTCOMES[trouble]

    async def accepted(self) -> list[str]:
        return [delivery.id for delivery in self.sender.received]


PROVIDERS: dict[str, Callable[..., Provider]] = {
    "stub": Stub,
    Channel.EMAIL: Email,
    Channel.WEBHOOK: Webhook,
    Channel.APPRISE: AppriseHooks,
    **{name: partial(Api, case) for name, case in CASES.items()},
}


REAL = [pytest.param(name, marks=pytest.mark.real) for name in PROVIDERS if name != "stub"]


@pytest.fixture(params=["stub", *REAL])
def kind(request: pytest.FixtureRequest) -> tuple[str, Sink | None]:
    """Which sender, and the sink where it needs one."""
    return request.param, None if request.param == "stub" else request.getfixturevalue("sink")


@pytest.fixture
async def provider(kind: tuple[str, Sink | None]) -> AsyncIterator[Provider]:
    name, sink = kind
    if sink is not None:
        await sink.call("DELETE", "/messages")
        await sink.call("DELETE", "/faults")
    made = PROVIDERS[name](sink)
    yield made
    await made.sender.close()


def test_every_channel_that_sends_is_here() -> None:
    channels = {name.partition("/")[0] for name in PROVIDERS}
    assert channels == {"stub", *(channel for channel in Channel if channel.spec.address is not None)}


async def test_what_is_sent_arrives_and_is_known_by_its_delivery_id(provider: Provider) -> None:
    assert isinstance(await provider.sender.send(provider.delivery(1), provider.workflow, inf), Sent)
    assert await provider.accepted() == ["delivery-1"]


async def test_many_at_once_arrive_once_each(provider: Provider) -> None:
    wanted = [provider.delivery(number) for number in range(30)]
    outcomes = await asyncio.gather(*(provider.sender.send(one, provider.workflow, inf) for one in wanted))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert sorted(await provider.accepted()) == sorted(one.id for one in wanted)


async def test_after_its_time_nothing_is_sent(provider: Provider) -> None:
    assert isinstance(await provider.sender.send(provider.delivery(1), provider.workflow, 0.0), LeaseTooShort)
    assert await provider.accepted() == []


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Trouble.TEMPORARY, Failed),
        (Trouble.PERMANENT, Rejected),
        # Whose fault it is depends on the channel: a server of ours burns no attempt, a recipient's endpoint does.
        (Trouble.DOWN, (Failed, ProviderUnavailable)),
    ],
)
async def test_trouble_is_an_outcome_and_passes(provider: Provider, trouble: Trouble, outcome: Any) -> None:
    assert isinstance(await provider.sender.send(provider.delivery(1), provider.workflow, inf), Sent)  # connected
    await provider.cause(trouble)
    assert isinstance(await provider.sender.send(provider.delivery(2), provider.workflow, inf), outcome)
    await provider.cause(None)
    assert isinstance(await provider.sender.send(provider.delivery(3), provider.workflow, inf), Sent)
    assert (await provider.accepted())[-1] == "delivery-3"


async def test_it_closes_unused_and_twice(provider: Provider) -> None:
    await provider.sender.close()
    await provider.sender.close()


@pytest.mark.real
async def test_a_webhooks_url_is_called_byte_for_byte() -> None:
    """A signature in its query is over these bytes: quoted anew it would be another."""
    lines: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readline())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sender = WebhookSender(WebhookSettings(webhook_secret="w" * 40, webhook_allow="127.0.0.0/8"))
    given = ["/hooks/a?sig=a%2Fb%7Ec&x=1+2%20%2b", "/a%7e/./b//c?q", "?only=query"]
    async with server:
        for path in given:
            delivery = a.delivery(channel=Channel.WEBHOOK, address=f"http://{host}{path}")
            assert isinstance(await sender.send(delivery, a.workflow(), inf), Sent)
        await sender.close()
    assert lines == [f"POST {'/' * (path[0] == '?')}{path} HTTP/1.1\r\n".encode() for path in given]
