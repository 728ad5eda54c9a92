"""The keys of users' tokens from a real server: whatever it does, they are had within bounds or not at all."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
import tracemalloc
from functools import partial

import pytest
import trustme

from services.gateway.core.limits import (
    KEY_FETCH_SECONDS,
    MAX_KEY_SET_BYTES,
    MAX_TOKEN_KEYS,
    UNKNOWN_KEY_SECONDS,
)
from services.gateway.identity import identify
from services.gateway.keys import token_keys
from services.gateway.keys.endpoint import KeysUnavailable, fetch_key_set
from services.gateway.keys.token_keys import TokenKeys
from shared.http.tokens import InvalidToken, TokenVerifier
from tests.support.token_keys import KeyServer, Signer, key_server, key_set, packed_spaces
from tests.support.wait import until

pytestmark = pytest.mark.real
FIRST, SECOND = Signer("first", "ES256"), Signer("second", "EdDSA")


@pytest.fixture
async def server():
    async with key_server(FIRST) as found:
        yield found


def claims() -> dict:
    now = int(time.time())  # noqa: TID251  # a JWT's clock
    return {"sub": "ann", "iat": now, "exp": now + 60}


def keys_of(server: KeyServer, **others) -> TokenKeys:
    return TokenKeys(partial(fetch_key_set, server.url), **others)


async def test_keys_that_rotate_are_followed(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = keys_of(server)
    verifier = TokenVerifier(keys=keys)
    await keys.refresh()
    assert (await identify(verifier, FIRST.token(claims()))).id == "ann"
    server.body = key_set(FIRST, SECOND)
    with pytest.raises(InvalidToken, match="`kid`"):
        await identify(verifier, SECOND.token(claims()))
    later = time.monotonic() + UNKNOWN_KEY_SECONDS
    monkeypatch.setattr(token_keys, "monotonic", lambda: later)
    assert [
        user.id for user in await asyncio.gather(*(identify(verifier, SECOND.token(claims())) for _ in range(50)))
    ] == ["ann"] * 50
    assert server.asked == 2
    server.body = key_set(SECOND)
    await keys.refresh()
    with pytest.raises(InvalidToken, match="`kid`"):
        await identify(verifier, FIRST.token(claims()))
    assert (await identify(verifier, SECOND.token(claims()))).id == "ann"


async def test_forged_kids_make_no_flood(server: KeyServer) -> None:
    keys = keys_of(server)
    verifier = TokenVerifier(keys=keys)
    await keys.refresh()
    forged = [Signer(f"kid-{number}", "EdDSA").token(claims()) for number in range(200)]
    results = await asyncio.gather(*(identify(verifier, token) for token in forged), return_exceptions=True)
    assert all(isinstance(result, InvalidToken) for result in results)
    assert server.asked == 1


async def test_nobody_else_waits_while_an_unknown_key_is_asked_for(server: KeyServer) -> None:
    keys = keys_of(server, unknown_seconds=0)
    verifier = TokenVerifier(keys=keys)
    await keys.refresh()
    server.held = asyncio.Event()
    unknown = asyncio.create_task(identify(verifier, SECOND.token(claims())))

    async def asked() -> bool:
        return server.asked == 2

    await until(asked, what="the key is asked for")
    for _ in range(20):
        assert (await identify(verifier, FIRST.token(claims()))).id == "ann"
    assert not unknown.done()
    server.held.set()
    with pytest.raises(InvalidToken):
        await unknown


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"status": 503}, "answered 503"),
        ({"status": 404}, "answered 404"),
        ({"status": 204, "body": b""}, "answered 204"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "redirects are not followed"),
        ({"status": 307, "headers": {"Location": "http://127.0.0.2:1/keys"}}, "redirects are not followed"),
        ({"body": b"<html>busy</html>"}, "no JSON Web Key Set"),
        ({"body": b""}, "no JSON Web Key Set"),
        ({"body": b'{"keys":[]}'}, "none of its 0 keys"),
        (
            {"body": gzip.compress(key_set(FIRST), mtime=0), "headers": {"Content-Encoding": "gzip"}},
            "no JSON Web Key Set",
        ),
        ({"body": b" " * (MAX_KEY_SET_BYTES + 1)}, "more than"),
        ({"body": key_set(*[FIRST] * (MAX_TOKEN_KEYS + 1))}, f"may have {MAX_TOKEN_KEYS}"),
        ({"headers": {"Server": "x" * 100_000}}, "does not answer"),
        ({"pause": KEY_FETCH_SECONDS + 5}, "does not answer: TimeoutError"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_gives_no_keys_leaves_those_of_before(server: KeyServer, trouble: dict, said: str) -> None:
    keys = keys_of(server)
    await keys.refresh()
    for name, value in trouble.items():
        setattr(server, name, value)
    with pytest.raises(KeysUnavailable, match=said):
        await keys.refresh()
    assert (await identify(TokenVerifier(keys=keys), FIRST.token(claims()))).id == "ann"
    assert server.followed == 0


@pytest.mark.parametrize("path", ["/endless", "/bomb"])
async def test_of_a_gigabyte_next_to_nothing_is_taken(server: KeyServer, path: str) -> None:
    assert len(packed_spaces()) < MAX_KEY_SET_BYTES
    tracemalloc.start()
    try:
        with pytest.raises(KeysUnavailable, match="cannot be used"):
            await fetch_key_set(server.at(path))
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert server.sent < 64 * 1_048_576
    assert held < 32 * 1_048_576


async def test_a_server_that_is_not_there_and_one_that_hangs_up() -> None:
    with pytest.raises(KeysUnavailable, match="does not answer: ClientConnectorError"):
        await fetch_key_set("http://127.0.0.1:1/keys")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(KeysUnavailable, match="does not answer"):
            await fetch_key_set(f"http://127.0.0.1:{port}/keys")


async def test_a_certificate_that_nobody_knows_is_no_answer() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with key_server(FIRST, tls=context) as server:
        with pytest.raises(KeysUnavailable, match="ClientConnectorCertificateError"):
            await fetch_key_set(server.url)
        assert server.asked == 0
