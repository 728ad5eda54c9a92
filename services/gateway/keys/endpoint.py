"""Where the key set of users' tokens is: one GET within every bound."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from services.gateway.core.limits import KEY_FETCH_SECONDS, MAX_KEY_SET_BYTES
from services.gateway.keys.key_set import KeySet, UnusableKeySet, parse_key_set
from shared.model.errors import Unavailable

# What is encoded may be a thousand times as large once it is decoded.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


class KeysUnavailable(Unavailable):
    """The endpoint of CARILLON_TOKEN_JWKS_URL gives no key set now; the message holds no address."""


def check_jwks_url(url: str) -> None:
    """Raises ValueError unless it is https, or http to this machine. Looks nothing up."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("no URL") from None
    if not host or parts.scheme not in {"http", "https"}:
        raise ValueError("a URL begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL of public keys has no user and no password")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("http is for this machine's own addresses; who can change the keys on their way is anybody")


async def fetch_key_set(url: str) -> KeySet:
    """What the endpoint answers now. Follows no redirect. Raises KeysUnavailable."""
    limit = aiohttp.ClientTimeout(total=KEY_FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=limit, headers=_HEADERS, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as http,
            http.get(url, allow_redirects=False) as response,
        ):
            return parse_key_set(await _body_of(response))
    except UnusableKeySet as error:
        raise KeysUnavailable(f"the key set cannot be used: {error}") from error
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise KeysUnavailable(f"the endpoint of the key set does not answer: {type(error).__name__}") from error


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    if response.status != HTTPStatus.OK:
        redirected = ": redirects are not followed" if response.status // 100 == 3 else ""
        raise KeysUnavailable(f"the endpoint of the key set answered {response.status}{redirected}")
    body = bytearray()
    while chunk := await response.content.read(MAX_KEY_SET_BYTES):
        body += chunk
        if len(body) > MAX_KEY_SET_BYTES:
            raise UnusableKeySet(f"it has more than {MAX_KEY_SET_BYTES} bytes")
    return bytes(body)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
