"""One provider's API in the sink: told to fail or not, what it takes is kept as a message."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from sandbox.sink.faults import HttpFault, SinkFaults
from sandbox.sink.messages import Message, Messages
from sandbox.sink.misbehaviour import failing


class FakeEdge(Protocol):
    """What each call of a provider has of its own."""

    @property
    def name(self) -> str:
        """As the settings of its channel name it."""
        ...

    @property
    def path(self) -> str:
        """Where it takes POST requests, as aiohttp writes routes."""
        ...

    def refusal(self, fault: HttpFault) -> web.Response:
        """The answer that it gives with this status and code."""
        ...


class FakeProvider(FakeEdge, Protocol):
    """Takes messages. It refuses what the real one refuses: credentials, and what it cannot read."""

    def read(self, request: web.Request, body: bytes) -> Message | web.Response:
        """The message of a request; or the answer to one that brings none: a wrong one, mostly."""
        ...

    def taken(self, message: Message) -> web.Response:
        """The answer to a message that was kept; its number makes the receipt."""
        ...


class FakeTokens(FakeEdge, Protocol):
    """Gives what messages are sent with; it keeps none."""

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        """A token, or a refusal."""
        ...


class ProviderEdge:
    """Serves one that takes messages."""

    def __init__(self, provider: FakeProvider, messages: Messages, faults: SinkFaults) -> None:
        self._provider = provider
        self._messages = messages
        self._faults = faults

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """One call of its API."""
        found = self._provider.read(request, await request.read())
        to = found.to[0] if isinstance(found, Message) and found.to else None
        fault = self._faults.provider(self._provider.name, to)
        if fault is not None and (answer := await failing(fault, request, self._provider.refusal)) is not None:
            return answer
        return found if isinstance(found, web.Response) else self._provider.taken(self._messages.add(found))


class TokenEdge:
    """Serves one that gives tokens."""

    def __init__(self, tokens: FakeTokens, faults: SinkFaults) -> None:
        self._tokens = tokens
        self._faults = faults

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """One call of its API."""
        found = self._tokens.answer(request, await request.read())
        fault = self._faults.provider(self._tokens.name, None)
        if fault is not None and (answer := await failing(fault, request, self._tokens.refusal)) is not None:
            return answer
        return found
