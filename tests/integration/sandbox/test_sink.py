"""The sink as its clients meet it: real SMTP, real HTTP, and failing on demand."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import aiosmtplib
import pytest

from sandbox.free_ports import free_ports
from sandbox.process import Service


@pytest.fixture(scope="module")
def ports() -> tuple[int, int, int]:
    http, smtp, health = free_ports(3)
    return http, smtp, health


@pytest.fixture(scope="module")
def sink(ports: tuple[int, int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    http, smtp, health = ports
    log = Path(tmp_path_factory.mktemp("sink")) / "log"
    env = {"CARILLON_SINK_PORT": str(http), "CARILLON_SMTP_PORT": str(smtp)}
    service = Service("sink", env=env, health_port=health, log=log)
    service.start()
    yield f"http://127.0.0.1:{http}"
    assert service.terminate() == 0, service.child.tail()


async def mail(ports: tuple[int, int, int], to: str = "ada@example.com") -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, "Grüße"
    message.set_content("hallo")
    return (await aiosmtplib.send(message, hostname="127.0.0.1", port=ports[1], timeout=30))[1]


async def plan(sink: str, faults: dict[str, object]) -> int:
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{sink}/messages")
        async with session.put(f"{sink}/faults", json=faults) as answer:
            return answer.status


async def found(sink: str, query: str) -> list[dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"{sink}/messages?{query}") as answer:
        return list((await answer.json())["messages"])


async def hook(sink: str, name: str) -> tuple[int, str | None]:
    headers = {"webhook-id": "d1"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sink}/hooks/{name}", data=b'{"a":1}', headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("Retry-After")


async def test_an_email_arrives(sink: str, ports: tuple[int, int, int]) -> None:
    await plan(sink, {})

    await mail(ports)

    (one,) = await found(sink, "kind=email&to=ada@example.com")
    assert (one["subject"], one["kind"]) == ("Grüße", "email")
    assert one["envelope"]["mail_from"] == "shop@example.com"  # type: ignore[index]  # a JSON object


async def test_a_webhook_arrives(sink: str) -> None:
    await plan(sink, {})

    assert await hook(sink, "orders") == (204, None)

    (one,) = await found(sink, "kind=webhook&to=orders")
    assert one["body"] == '{"a":1}'
    assert ["webhook-id", "d1"] in one["headers"]  # type: ignore[operator]  # a JSON array


async def test_an_smtp_server_that_is_down_comes_back(sink: str, ports: tuple[int, int, int]) -> None:
    await plan(sink, {"email": {"mode": "down", "times": 1}})

    with pytest.raises(aiosmtplib.SMTPConnectError):
        await mail(ports)
    await mail(ports)

    assert len(await found(sink, "kind=email")) == 1


@pytest.mark.parametrize(("mode", "code"), [("reject", 550), ("tempfail", 451)])
async def test_a_mailbox_that_refuses(sink: str, ports: tuple[int, int, int], mode: str, code: int) -> None:
    await plan(sink, {"email": {"mode": mode, "only": "bob@example.com"}})

    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await mail(ports, "bob@example.com")
    await mail(ports)

    assert refused.value.recipients[0].code == code
    assert [one["to"] for one in await found(sink, "kind=email")] == [["ada@example.com"]]


async def test_a_webhook_that_fails_twice(sink: str) -> None:
    await plan(sink, {"webhook": {"mode": "status", "status": 503, "retry_after": 3, "times": 2}})

    answers = [await hook(sink, "orders") for _ in range(3)]

    assert answers == [(503, "3"), (503, "3"), (204, None)]
    assert len(await found(sink, "kind=webhook")) == 1


async def test_a_webhook_that_hangs_up(sink: str) -> None:
    await plan(sink, {"webhook": {"mode": "down"}})

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await hook(sink, "orders")


async def test_a_fault_that_makes_no_sense_is_refused(sink: str) -> None:
    assert await plan(sink, {"email": {"mode": "sideways"}}) == 422
