"""What ends an InboxSocket for good, what it says then, and what does not end it."""

from __future__ import annotations

import asyncio
import time

import pytest

from carillon import Hello, InboxSocket, SocketEndedError, UnexpectedAnswerError, UnreachableError
from carillon.sockets.endings import LEAST_WAIT
from sandbox.free_ports import free_ports
from tests.integration.carillon.scripted_gateway import Script, ScriptedGateway, Visit, take


def greeted(cursor: str = "c") -> Script:
    return lambda visit: visit.greet(cursor)


def turned_away(code: int, reason: str) -> Script:
    async def turn_away(visit: Visit) -> None:
        await visit.hear()
        await visit.socket.close(code, reason)

    return turn_away


def sent_away(code: int) -> Script:
    async def send_away(visit: Visit) -> None:
        await visit.greet()
        await visit.socket.close(code, "no more")

    return send_away


async def test_a_refused_token_is_replaced_once(gateway: ScriptedGateway):
    shown = []

    async def accepting(visit: Visit) -> None:
        shown.append((await visit.greet())["token"])

    gateway.script = [turned_away(4401, "expired"), accepting]
    async with gateway.inbox("t1", "t2") as inbox:
        await take(inbox, 1)
    assert shown == ["t2"]


async def test_a_second_refused_token_ends_it_with_the_reason(gateway: ScriptedGateway):
    gateway.script = [turned_away(4401, "aud is another"), turned_away(4401, "aud is another")]
    async with gateway.inbox("t1", "t2") as inbox:
        with pytest.raises(SocketEndedError, match=r"4401: aud is another\. Next: let the token callback") as raised:
            await take(inbox, 1)
        assert raised.value.code == 4401
        with pytest.raises(SocketEndedError):  # a command says it, too
            await inbox.read(["i1"])
    assert gateway.visits == 2


async def test_a_token_that_expires_again_and_again_is_replaced_again_and_again(gateway: ScriptedGateway):
    gateway.script = [sent_away(4401), sent_away(4401), greeted()]
    async with gateway.inbox() as inbox:
        assert [type(event) for event in await take(inbox, 3)] == [Hello] * 3


@pytest.mark.parametrize("code", [1009, 4400, 4409, 4999])
async def test_these_codes_end_it_after_what_came_before(gateway: ScriptedGateway, code: int):
    gateway.script = [sent_away(code)]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        with pytest.raises(SocketEndedError, match=rf"{code}: no more\. Next: \w+") as raised:
            await take(inbox, 1)
    assert raised.value.code == code
    assert gateway.visits == 1


@pytest.mark.parametrize("code", [1013, 4429])
async def test_these_codes_bring_it_back_more_slowly(gateway: ScriptedGateway, code: int, monkeypatch):
    monkeypatch.setitem(LEAST_WAIT, code, 0.3)
    gateway.script = [sent_away(code), greeted()]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        began = time.monotonic()
        await take(inbox, 1)
    assert time.monotonic() - began > 0.25


async def test_what_is_no_gateway_is_told(gateway: ScriptedGateway):
    gateway.answers = [(404, {})]
    async with gateway.inbox() as inbox:
        with pytest.raises(UnexpectedAnswerError, match=r"was answered 404 and no WebSocket\. Next: check the url"):
            await take(inbox, 1)


async def test_no_redirect_is_followed(gateway: ScriptedGateway):
    """A token is for the gateway alone."""
    gateway.answers = [(307, {"Location": gateway.url.replace("ws:", "http:")})]
    gateway.script = [greeted()]
    async with gateway.inbox() as inbox:
        with pytest.raises(UnexpectedAnswerError, match="answered 307 with Location http://127"):
            await take(inbox, 1)
    assert gateway.visits == 0


@pytest.mark.parametrize("text", ["<html>", "[]", '{"type":"notification","item":{"id":"i1"}}', '{"type":["hello"]}'])
async def test_what_is_no_message_of_a_gateway_ends_it(gateway: ScriptedGateway, text: str):
    async def babble(visit: Visit) -> None:
        await visit.greet()
        await visit.socket.send(text)

    gateway.script = [babble]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        with pytest.raises(UnexpectedAnswerError, match="none of a gateway's"):
            await take(inbox, 1)


async def test_a_token_that_cannot_be_had_for_now_is_asked_for_again(gateway: ScriptedGateway):
    failures: list[Exception] = [ConnectionError("no backend"), TimeoutError(), UnreachableError("no answer")]

    async def token() -> str:
        if failures:
            raise failures.pop()
        return "t1"

    gateway.script = [greeted()]
    async with gateway.inbox(token=token) as inbox:
        await take(inbox, 1)
    assert failures == []


@pytest.mark.parametrize("given", [KeyError("session"), "", 7])
async def test_a_mistake_in_the_token_callback_is_raised(gateway: ScriptedGateway, given):
    def token():
        if isinstance(given, Exception):
            raise given
        return given

    async with gateway.inbox(token=token) as inbox:
        with pytest.raises((KeyError, ValueError, TypeError)):
            await take(inbox, 1)


async def test_a_mistake_in_a_renewal_is_raised(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.say("token_expiring", seconds=30)

    gateway.script = [visit]
    async with gateway.inbox("t1", "") as inbox:
        await take(inbox, 1)
        with pytest.raises(ValueError, match="empty token"):
            await take(inbox, 1)


async def test_it_gives_up_when_it_is_told_to():
    (port,) = free_ports(1)
    async with InboxSocket(f"ws://127.0.0.1:{port}", lambda: "t1", max_wait=0.01, give_up_after=0.1) as inbox:
        with pytest.raises(UnreachableError, match="could not be reached"):
            await take(inbox, 1)


async def test_a_gateway_that_never_says_hello_is_left(gateway: ScriptedGateway):
    async def silent(visit: Visit) -> None:
        await visit.gone()

    gateway.script = [silent, greeted()]
    async with gateway.inbox(timeout=0.2) as inbox:
        await take(inbox, 1)
    assert gateway.visits == 2


async def test_one_that_said_hello_is_not(gateway: ScriptedGateway):
    async def quiet(visit: Visit) -> None:
        await visit.greet()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(visit.gone(), 0.5)
        await visit.notify(0)

    gateway.script = [quiet]
    async with gateway.inbox(timeout=0.2) as inbox:
        await take(inbox, 2)
    assert gateway.visits == 1
