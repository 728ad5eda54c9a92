"""What every sender promises: the stub and, over real local servers, each channel's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from sandbox.free_ports import free_ports
from sandbox.process import Service
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.channels.sender import Sender
from services.delivery.channels.stub import StubSender
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
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

    async def cause(self, trouble: Trouble | None) -> None: ...

    async def accepted(self) -> list[str]:
        """The ids of the deliveries that it took, as it was told them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sink:
    """The sandbox's sink, a process: a real SMTP server and a real HTTP server."""

    http: int
    smtp: int

    async def call(self, method: str, path: str, **more: Any) -> Any:
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, f"http://127.0.0.1:{self.http}{path}", **more) as answer,
        ):
            return await answer.json() if answer.content_length else None

    async def accepted(self, kind: str, header: str) -> list[str]:
        found = (await self.call("GET", f"/messages?kind={kind}"))["messages"]
        return [value for message in found for name, value in message["headers"] if name == header]


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


class Email:
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
    def __init__(self, _: Sink | None) -> None:
        self.sender = StubSender()

    def delivery(self, number: int) -> Delivery:
        return a.delivery(id=f"delivery-{number}")

    async def cause(self, trouble: Trouble | None) -> None:
        self.sender.outcome = lambda _: STUB_OUTCOMES[trouble]

    async def accepted(self) -> list[str]:
        return [delivery.id for delivery in self.sender.received]


PROVIDERS: dict[str, Callable[..., Provider]] = {"stub": Stub, Channel.EMAIL: Email, Channel.WEBHOOK: Webhook}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    http, smtp, health = free_ports(3)
    env = {"CARILLON_SINK_PORT": str(http), "CARILLON_SMTP_PORT": str(smtp)}
    service = Service("sink", env=env, health_port=health, log=Path(tmp_path_factory.mktemp("sink")) / "log")
    service.start()
    yield Sink(http=http, smtp=smtp)
    service.kill()


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
    assert PROVIDERS.keys() == {"stub", *(channel for channel in Channel if channel.spec.address is not None)}


async def test_what_is_sent_arrives_and_is_known_by_its_delivery_id(provider: Provider) -> None:
    assert isinstance(await provider.sender.send(provider.delivery(1), a.workflow(), inf), Sent)
    assert await provider.accepted() == ["delivery-1"]


async def test_many_at_once_arrive_once_each(provider: Provider) -> None:
    wanted = [provider.delivery(number) for number in range(30)]
    outcomes = await asyncio.gather(*(provider.sender.send(one, a.workflow(), inf) for one in wanted))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert sorted(await provider.accepted()) == sorted(one.id for one in wanted)


async def test_after_its_time_nothing_is_sent(provider: Provider) -> None:
    assert isinstance(await provider.sender.send(provider.delivery(1), a.workflow(), 0.0), LeaseTooShort)
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
    assert isinstance(await provider.sender.send(provider.delivery(1), a.workflow(), inf), Sent)  # connected
    await provider.cause(trouble)
    assert isinstance(await provider.sender.send(provider.delivery(2), a.workflow(), inf), outcome)
    await provider.cause(None)
    assert isinstance(await provider.sender.send(provider.delivery(3), a.workflow(), inf), Sent)
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
