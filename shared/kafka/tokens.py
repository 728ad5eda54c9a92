"""Tokens for SASL OAUTHBEARER: from a file that the platform renews, or by the client-credentials grant (RFC 6749, 4.4)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

ENDPOINT_SECONDS: Final = 5.0
UNSAID_LIFE_SECONDS: Final = 60
RENEW_AT: Final = 0.8
"""Of its life a token is used again for this part."""


class TokenError(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """No token now; aiokafka tries again."""


class TokenRejected(TokenError):
    """The endpoint, or the file, gives none to us."""


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """A file whose content is the token, as a workload identity's; read at each connection."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """An endpoint that gives tokens to a client."""

    endpoint: str
    client: str
    secret: str = field(repr=False)
    scope: str | None = None


TokenSource = TokenFile | ClientCredentials


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka is untyped
    """Tokens for one client's connections."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._known = ""
        self._until = 0.0

    async def token(self) -> str:
        """Raises TokenRejected, or TokenError when the endpoint does not answer."""
        if isinstance(self._source, TokenFile):
            return await asyncio.to_thread(_read, self._source.path)
        now = time.monotonic()
        if now >= self._until:
            self._known, life = await _ask(self._source)
            self._until = now + life * RENEW_AT
        return self._known


def _read(path: Path) -> str:
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenRejected(f"{path}: {type(error).__name__}") from error
    if not token:
        raise TokenRejected(f"{path} is empty")
    return token


async def _ask(source: ClientCredentials) -> tuple[str, float]:
    """A token and its life in seconds."""
    form = {"grant_type": "client_credentials"} | ({"scope": source.scope} if source.scope else {})
    who = {"Authorization": aiohttp.encode_basic_auth(source.client, source.secret)}
    limit = aiohttp.ClientTimeout(total=ENDPOINT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(headers=who, timeout=limit) as http,
            http.post(source.endpoint, data=form, allow_redirects=False) as response,
        ):
            return await _token_in(response, source)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise TokenError(f"{source.endpoint} does not answer: {type(error).__name__}: {error}") from error


class _Answer(msgspec.Struct, frozen=True):
    """RFC 6749, 5.1."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: float = UNSAID_LIFE_SECONDS


async def _token_in(response: aiohttp.ClientResponse, source: ClientCredentials) -> tuple[str, float]:
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TokenError(f"{source.endpoint} answered {response.status}")
    if response.status != HTTPStatus.OK:
        raise TokenRejected(f"{source.endpoint} answered {response.status} to client {source.client}")
    try:
        answer = msgspec.json.decode(await response.read(), type=_Answer)
    except msgspec.DecodeError as error:
        raise TokenRejected(f"{source.endpoint} answered no token: {error}") from error
    return answer.access_token, answer.expires_in
