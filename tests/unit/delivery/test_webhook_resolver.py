"""Names: looked up once at a time, failures remembered, a silent name server holds up its own names alone."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from services.delivery.channels.webhook import resolver as module
from services.delivery.channels.webhook.resolver import NameNotFound, PooledResolver

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


async def test_many_that_ask_a_silent_server_for_one_name_take_one_thread(system: System) -> None:
    resolver = PooledResolver()
    asking = [asyncio.create_task(resolver.resolve("silent.example.com", 443)) for _ in range(200)]
    assert all(isinstance(one, NameNotFound) for one in await asyncio.gather(*asking, return_exceptions=True))
    assert system.asked == ["silent.example.com"]
    await resolver.resolve("hooks.example.com", 443)
    system.answer.set()
    await resolver.close()
