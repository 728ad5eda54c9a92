"""What a client may not send, over real sockets to a gateway process: the right code, bounded memory, others are served."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from tests.integration.gateway.under_attack import UnderAttack, attacking
from tests.support.brokers import Brokers
from tests.support.env import Harness
from tests.support.product import serving
from tests.support.raw_sockets import BINARY, CLOSE, CUT_OFF, FIN, PING, TEXT, frame, raw_socket, say, text

IDLE = 10_000 if os.environ.get("CARILLON_CHAOS_LONG") else 500
"""Sockets at once that say nothing."""
HALF_OPEN = min(IDLE, 3_000)
"""Connections at once that send half of a request: with more than MAX_OPENING_CONNECTIONS others would be cut off, too."""
FLOOD = 100_000
LARGE = 17 * 1024 * 1024
GROWTH_KIB = 16_384
"""What an attack that is repeated may leave behind. At its worst it may have as much besides its sockets themselves."""
SOCKET_KIB = 24
RESERVED = (0x40, 0x20, 0x10)


@pytest.fixture(scope="module")
def gateway(shared_brokers: Brokers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with serving(shared_brokers, tmp_path_factory.mktemp("hostile"), names=("gateway",)) as made:
        yield made


@pytest.fixture
async def scene(gateway: Harness) -> AsyncIterator[UnderAttack]:
    async with attacking(gateway) as found:
        yield found


MALFORMED: dict[str, tuple[bytes, int]] = {
    **{f"opcode {code:#x}": (frame(FIN | code, b"x"), 1002) for code in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)},
    **{f"reserved bit {bit:#x}": (frame(FIN | bit | TEXT, b"{}"), 1002) for bit in RESERVED},
    "a bomb": (frame(FIN | 0x40 | TEXT, zlib.compress(bytes(8_000_000), 9)[2:-4]), 1002),
    "not masked": (frame(FIN | TEXT, b"{}", masked=False), 1002),
    "a fragment of nothing": (frame(FIN, b"x"), 1002),
    "a message within a message": (frame(TEXT, b"{") + text("{}"), 1002),
    "a ping in fragments": (frame(PING, b"x"), 1002),
    "a ping of 126 bytes": (frame(FIN | PING, b"x" * 126), 1002),
    "a close of one byte": (frame(FIN | CLOSE, b"x"), 1002),
    "a close with no code": (frame(FIN | CLOSE, (1005).to_bytes(2, "big")), 1002),
    "a close with a code of nobody": (frame(FIN | CLOSE, (999).to_bytes(2, "big")), 1002),
    "a close that is no text": (frame(FIN | CLOSE, (1000).to_bytes(2, "big") + b"\xff"), 1007),
    "text that is none": (text(b'{"type":"\xff"}'), 1007),
    "text cut within a letter": (text(b"\xe2\x82"), 1007),
    "surrogates": (text(b'"\xed\xa0\x80"'), 1007),
    "a length of 2^63": (frame(FIN | TEXT, length=2**63), 1009),
    "a length of 2^62": (frame(FIN | TEXT, length=2**62), 1009),
    "17 MB": (frame(FIN | TEXT, b"x" * LARGE), 1009),
    "17 MB in fragments": (frame(TEXT, b"x" * 8_000) + frame(0, b"x" * 8_000) * (LARGE // 8_000), 1009),
    "17 MB, announced": (frame(FIN | TEXT, b"x", length=LARGE), 1009),
    "binary": (frame(FIN | BINARY, b'{"type":"ping"}'), 4400),
    "nothing": (text(""), 4400),
    "half an object": (text('{"type":"auth"'), 4400),
    "two objects": (text('{"type":"ping"}{"type":"ping"}'), 4400),
    "not a number": (text("NaN"), 4400),
    "deep": (text("[" * 10_000), 4401),
    "deep, within": (text('{"type":"auth","token":"x","more":' + "[" * 10_000), 4400),
    "deep, and closed": (text("[" * 5_000 + "]" * 5_000), 4401),
    "a number without end": (text('{"type":"auth","token":' + "9" * 10_000 + "}"), 4401),
    "a token that is an object": (say(type="auth", token={"alg": "none"}), 4401),
    "a type that is a list": (say(type=["auth"]), 4401),
    "a list": (text("[]"), 4401),
    "null": (text("null"), 4401),
    "two types": (text('{"type":"ping","type":"auth","token":"x"}'), 4401),
}


async def test_malformed_frames(scene: UnderAttack):
    async def one(name: str) -> tuple[str, int]:
        async with scene.socket() as opened:
            sending = asyncio.create_task(opened.send(MALFORMED[name][0]))
            code = await opened.code()
            await sending
            assert opened.told == []
            return name, code

    async def all_of_them() -> None:
        found = dict(await asyncio.gather(*map(one, MALFORMED)))
        assert found == {name: code for name, (_, code) in MALFORMED.items()}

    await scene.serves_others(all_of_them())


async def test_compression_is_agreed_with_nobody(scene: UnderAttack):
    offered = "permessage-deflate; client_max_window_bits=15, x-webkit-deflate-frame, permessage-bzip2"
    async with scene.socket(**{"Sec-WebSocket-Extensions": offered}) as opened:
        assert "extensions" not in opened.head.lower()
        await opened.send(MALFORMED["a bomb"][0])
        assert await opened.code() == 1002


async def pings(scene: UnderAttack) -> None:
    """None of the answers is read before all are sent."""
    async with scene.socket("flooder") as opened:
        await opened.send(frame(FIN | PING, b"x" * 125) * FLOOD)
        assert await opened.code() in {4429, CUT_OFF}


async def pings_of_nobody(scene: UnderAttack) -> None:
    async with scene.socket() as opened:
        sending = asyncio.create_task(opened.send(frame(FIN | PING) * FLOOD))
        assert await opened.code() == 4429
        await sending


async def fragments(scene: UnderAttack) -> None:
    async with scene.socket("flooder") as opened:
        sending = asyncio.create_task(opened.send(frame(TEXT, b"[") + frame(0, b" ") * FLOOD))
        assert await opened.code() == 4429
        await sending


async def empty_fragments(scene: UnderAttack) -> None:
    async with scene.socket("flooder") as opened:
        sending = asyncio.create_task(opened.send(frame(TEXT) + frame(0) * FLOOD))
        assert await opened.code() == 4429
        await sending


async def messages(scene: UnderAttack) -> None:
    async with scene.socket("flooder") as opened:
        sending = asyncio.create_task(opened.send(say(type="ping") * FLOOD))
        assert await opened.code() == 4429
        await sending
        assert {told["type"] for told in opened.told} <= {"hello", "live", "pong"}
        assert len(opened.told) < 200


async def seventeen_megabytes(scene: UnderAttack) -> None:
    async with scene.socket("flooder") as opened:
        sending = asyncio.create_task(opened.send(text(b" " * LARGE)))
        assert await opened.code() == 1009
        await sending


async def idle(scene: UnderAttack) -> None:
    """Nobody of them says who he is."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(raw_socket(scene.port)) for _ in range(IDLE)]
        assert {one.status for one in opened} == {101}
        assert set(await asyncio.gather(*(one.code() for one in opened))) == {4408}


async def half_open(scene: UnderAttack) -> None:
    """Nobody of them ends his request."""
    async with AsyncExitStack() as stack:
        opened = [await asyncio.open_connection("127.0.0.1", scene.port) for _ in range(HALF_OPEN)]
        for number, (_, writer) in enumerate(opened):
            stack.callback(writer.transport.abort)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * (number % 4_000))
        async with asyncio.timeout(60):
            await asyncio.gather(*(ended(reader) for reader, _ in opened))


async def silent(scene: UnderAttack) -> None:
    await asyncio.gather(idle(scene), half_open(scene))


async def ended(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        assert b"101" not in await reader.read()


ATTACKS = [pings, pings_of_nobody, fragments, empty_fragments, messages, seventeen_megabytes, silent]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.timeout(300)
async def test_floods_leave_nothing_and_others_are_served(
    scene: UnderAttack, attack: Callable[[UnderAttack], Awaitable[None]]
):
    async def again() -> None:
        for _ in range(2):
            await attack(scene)

    await attack(scene)  # what the process needs once
    await scene.gone()
    before = scene.memory_kib()
    scene.forget_peak()
    await scene.serves_others(again())
    await scene.gone()
    assert scene.memory_kib() - before < GROWTH_KIB
    assert scene.memory_kib("VmHWM") - before < GROWTH_KIB + (IDLE + HALF_OPEN) * SOCKET_KIB


async def test_a_large_message_in_sensible_fragments_is_none_of_these(scene: UnderAttack):
    command = json.dumps({"type": "ping", "ref": "r1"}).encode() + b" " * 60_000
    parts = [command[start : start + 1_024] for start in range(0, len(command), 1_024)]
    async with scene.socket("ann") as opened:
        middle = b"".join(frame(0, part) + frame(FIN | PING) for part in parts[1:-1])
        await opened.send(frame(TEXT, parts[0]) + middle + frame(FIN, parts[-1]))
        assert await opened.next() == {"type": "pong", "ref": "r1"}
