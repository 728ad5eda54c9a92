"""Names: looked up once at a time, failures remembered, a silent name server holds up its own names alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from math import inf

import pytest

from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import AttemptFault, Failed, ProviderUnavailable, Rejected
from services.delivery.outbound import resolver as module
from services.delivery.outbound.resolver import OF_TENANT, TENANT, NameNotFound, PooledResolver, ResolverBusy
from shared.model.channels import Channel
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.support.wait import until

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]


class System:
    """The system's look-up, with names of our own; `silent` ones are answered when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = threading.Event()

    def __call__(self, host: str, port: int, family: int) -> object:
        self.asked.append(host)
        if host.startswith("silent"):
            self.answer.wait(20)
        if host.startswith("dead"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return FOUND


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    found = System()
    monkeypatch.setattr(module, "_getaddrinfo", found)
    monkeypatch.setattr(module, "SECONDS", 0.05)
    return found


async def test_what_is_found(system: System) -> None:
    resolver = PooledResolver()
    (found,) = await resolver.resolve("hooks.example.com", 443)
    assert (found["hostname"], found["host"], found["port"]) == ("hooks.example.com", "192.0.2.7", 443)
    await resolver.close()


async def test_a_name_that_is_not_there_is_not_asked_for_again_at_once(system: System) -> None:
    resolver = PooledResolver()
    for _ in range(5):
        with pytest.raises(NameNotFound):
            await resolver.resolve("dead.example.com", 443)
    assert system.asked == ["dead.example.com"]
    await resolver.close()


async def test_a_tenants_dead_names_leave_threads_to_others_and_those_not_asked_are_not_called_dead(
    system: System,
) -> None:
    resolver = PooledResolver()
    TENANT.set("acme")
    silent = [resolver.resolve(f"silent-{number}.example.com", 443) for number in range(40)]
    results = await asyncio.gather(*silent, return_exceptions=True)
    assert Counter(map(type, results)) == {NameNotFound: OF_TENANT, ResolverBusy: 40 - OF_TENANT}
    assert len(system.asked) == OF_TENANT
    with pytest.raises(ResolverBusy):
        await resolver.resolve("healthy.example.com", 443)
    TENANT.set("other")
    assert await resolver.resolve("hooks.example.com", 443)
    system.answer.set()
    TENANT.set("acme")
    assert await until(lambda: _answers(resolver, "healthy.example.com"), what="a thread of its own again", timeout=5)
    await resolver.close()


async def _answers(resolver: PooledResolver, host: str) -> bool:
    try:
        return bool(await resolver.resolve(host, 443))
    except ResolverBusy:
        return False


async def test_who_waits_for_a_thread_gets_it_in_time(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 5)
    resolver = PooledResolver()
    names = [f"hooks-{number}.example.com" for number in range(100)]
    found = await asyncio.gather(*(resolver.resolve(name, 443) for name in names * 2))
    assert len(found) == 200
    assert len(system.asked) >= 100
    await resolver.close()


async def test_many_that_ask_a_silent_server_for_one_name_take_one_thread(system: System) -> None:
    resolver = PooledResolver()
    asking = [asyncio.create_task(resolver.resolve("silent.example.com", 443)) for _ in range(200)]
    assert all(isinstance(one, NameNotFound) for one in await asyncio.gather(*asking, return_exceptions=True))
    assert system.asked == ["silent.example.com"]
    await resolver.resolve("hooks.example.com", 443)
    system.answer.set()
    await resolver.close()


async def test_a_senders_dead_names_are_its_tenants_and_burn_no_attempt_of_those_not_asked(system: System) -> None:
    """Through the real connector; what is found here is forbidden, so that nothing is connected to."""
    sender = WebhookSender(WebhookSettings(webhook_secret="w" * 40))

    async def send(tenant: str, host: str) -> object:
        about = a.notification(tenant=tenant)
        delivery = a.delivery(channel=Channel.WEBHOOK, address=f"https://{host}/hook", notification=about)
        return await sender.send(delivery, a.workflow(), inf)

    outcomes = await asyncio.gather(*(send("acme", f"silent-{number}.example.com") for number in range(20)))
    assert Counter(outcomes) == {
        Failed(code="unreachable", cool_down=True): OF_TENANT,
        ProviderUnavailable(code="resolver_busy", fault=AttemptFault.US): 20 - OF_TENANT,
    }
    assert await send("other", "hooks.example.com") == Rejected(reason=Reason.FORBIDDEN_ADDRESS)
    system.answer.set()
    await sender.close()
