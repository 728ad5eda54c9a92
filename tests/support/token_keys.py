"""Who signs users' tokens with keys, and the end point of their key set: a real one, on loopback."""

from __future__ import annotations

import asyncio
import json
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import api_jws
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.gateway.keys.key_set import KeySet, parse_key_set

_MAKERS = {
    "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_JWKS = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


class Signer:
    """One private key and its id."""

    def __init__(self, kid: str, algorithm: str = "ES256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private: Any = _MAKERS[algorithm]()

    @property
    def public(self) -> Any:
        return self.private.public_key()

    def jwk(self, **others: object) -> dict:
        """Its public key in a set; None takes a member out."""
        wanted = _JWKS[self.algorithm].to_jwk(self.public, as_dict=True) | {"kid": self.kid} | others
        return {name: value for name, value in wanted.items() if value is not None}

    def token(self, claims: object, *, algorithm: str | None = None, **header: object) -> str:
        named = {"kid": self.kid} | header
        return api_jws.encode(  # whatever the claims are
            json.dumps(claims).encode(),
            self.private,
            algorithm=algorithm or self.algorithm,
            headers={name: value for name, value in named.items() if value is not None},
        )


def key_set(*keys: dict | Signer) -> bytes:
    """The body of an end point."""
    return json.dumps({"keys": [key.jwk() if isinstance(key, Signer) else key for key in keys]}).encode()


@cache
def packed_spaces() -> bytes:
    """200 MiB of them, as gzip makes them."""
    packing = zlib.compressobj(9, wbits=31)
    return b"".join([packing.compress(b" " * 1_048_576) for _ in range(200)])


@dataclass
class FixedKeys:
    """SigningKeys of a set; `next` is what renewing finds, once."""

    known: KeySet
    next: KeySet | None = None
    renewed: int = 0

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        return self.known.find(kid)

    async def renew(self) -> bool:
        self.renewed += 1
        newer, self.next = self.next, None
        self.known = newer or self.known
        return newer is not None


def fixed(*signers: Signer) -> FixedKeys:
    return FixedKeys(parse_key_set(key_set(*signers)))


@dataclass
class KeyServer:
    """Answers `body` at `/keys`, after `pause`, with `status` and `headers`; elsewhere what cannot be used."""

    body: bytes = b""
    status: int = 200
    pause: float = 0.0
    held: asyncio.Event | None = None
    """What is asked for waits until it is set."""
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    asked: int = 0
    followed: int = 0
    sent: int = 0
    """Bytes of the endless answer that were taken."""

    async def keys(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.pause)
        if self.held is not None:
            await self.held.wait()
        return web.Response(
            body=self.body, status=self.status, headers={"Content-Type": "application/json"} | self.headers
        )

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """A gigabyte, or as much of it as is taken."""
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1_024):
            await response.write(b" " * 1_048_576)
            self.sent += 1_048_576
        return response

    async def bomb(self, request: web.Request) -> web.Response:
        """200 MiB of spaces as 200 KB, whatever the caller accepts."""
        return web.Response(body=packed_spaces(), headers={"Content-Encoding": "gzip"})

    async def elsewhere(self, request: web.Request) -> web.Response:
        self.followed += 1
        return web.Response(body=self.body)

    def at(self, path: str) -> str:
        return self.url.replace("/keys", path)


@asynccontextmanager
async def key_server(*signers: Signer, tls: ssl.SSLContext | None = None) -> AsyncIterator[KeyServer]:
    server = KeyServer(key_set(*signers))
    app = web.Application()
    app.add_routes(
        [
            web.get("/keys", server.keys),
            web.get("/endless", server.endless),
            web.get("/bomb", server.bomb),
            web.get("/elsewhere", server.elsewhere),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/keys"
    try:
        yield server
    finally:
        await runner.cleanup()
