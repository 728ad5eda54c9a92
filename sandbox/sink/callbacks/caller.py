"""The sink is told to call back: `POST /callbacks/twilio {"message": 7, "status": "undelivered", "code": "30005"}`."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import aiohttp
import msgspec

from sandbox.sink.messages import Message

SECONDS: Final = 10


class CallbackOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a provider is to tell."""

    message: int
    """Its number in the sink."""
    status: str
    """In the provider's own words."""
    code: str | None = None


class OutgoingCall(NamedTuple):
    """One POST."""

    url: str
    headers: dict[str, str]
    body: bytes


class FakeCallback(Protocol):
    """What a provider calls with."""

    def call(self, message: Message, asked: CallbackOrder, base: str) -> OutgoingCall | None:
        """The call; None when the message came without a place to call. `base`: where ingest is, for who has no other."""
        ...


async def make(call: OutgoingCall) -> dict[str, object]:
    """Makes the call, and says what it was answered."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(call.url, headers=call.headers, data=call.body, allow_redirects=False) as answer,
    ):
        return {"url": call.url, "status": answer.status, "body": (await answer.read())[:4096].decode(errors="replace")}
