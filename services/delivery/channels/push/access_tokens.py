"""Google's access tokens for a service account (RFC 7523): had once for all that wait, and anew before they end."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.parse import urlencode

import msgspec
from google.auth import jwt

from services.delivery.channels.push.credentials import ServiceAccount
from services.delivery.core.attempts import AttemptFault, ProviderUnavailable
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest, NoAnswer
from shared.process.clock import now_ms

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASKED_SECONDS: Final = 3600
"""For how long a token is asked for; the longest that there is."""
EARLY_MS: Final = 300_000
"""So long before its end a new one is had."""
SHORTEST_MS: Final = 10_000
"""A token is used for so long at least, whatever is said of its end."""
MAX_TOKEN: Final = 8192
_PRINTABLE: Final = frozenset(map(chr, range(0x21, 0x7F)))


class AccessToken(msgspec.Struct, frozen=True):
    """What goes into `authorization`, and until when; milliseconds since the epoch."""

    text: str
    until: int


class AccessTokens:
    """One service account's. It shares the connections of whoever sends with its tokens."""

    def __init__(self, account: ServiceAccount, url: str, client: HttpClient, *, timeout_seconds: float) -> None:
        self._account = account
        self._url = url
        self._client = client
        self._timeout = timeout_seconds
        self._known: AccessToken | None = None
        self._asking: asyncio.Task[AccessToken | ProviderUnavailable] | None = None

    async def get(self) -> str | ProviderUnavailable:
        """A token that is good for a while; or why there is none now: then nobody can be sent to."""
        known = self._known
        if known is not None and now_ms() < known.until:
            return known.text
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        # Whoever gives up waits no more; the others do.
        found = await asyncio.shield(self._asking)
        return found.text if isinstance(found, AccessToken) else found

    def forget(self, text: str) -> None:
        """This one was refused: unless another is known by now, the next one asks anew."""
        if self._known is not None and self._known.text == text:
            self._known = None

    async def _ask(self) -> AccessToken | ProviderUnavailable:
        now = now_ms()
        request = HttpRequest(
            url=self._url,
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            body=urlencode({"grant_type": GRANT, "assertion": self._assertion(now // 1000)}).encode(),
        )
        found = await self._client.post(request, time.monotonic() + self._timeout, tenant="")
        if not isinstance(found, HttpAnswer):
            code = found.code if isinstance(found, NoAnswer) else "timeout"
            return ProviderUnavailable(code=f"token:{code}", fault=AttemptFault.CONNECTION)
        token = _token(found, now)
        if token is None:
            wait = found.retry_after_ms(now)
            fault = AttemptFault.PROVIDER if found.status >= 500 else AttemptFault.ACCOUNT
            return ProviderUnavailable(code=f"token:{found.status}", fault=fault, retry_after_ms=wait)
        self._known = token
        return token

    def _assertion(self, now: int) -> str:
        claims = {
            "iss": self._account.email,
            "scope": SCOPE,
            "aud": self._url,
            "iat": now,
            "exp": now + ASKED_SECONDS,
        }
        signed: bytes = jwt.encode(self._account.signer, claims)  # type: ignore[no-untyped-call]  # google-auth has no types
        return signed.decode()


def _token(answer: HttpAnswer, now: int) -> AccessToken | None:
    said = answer.json()
    text, seconds = said.get("access_token"), said.get("expires_in")
    if (
        answer.status != 200
        or not isinstance(text, str)
        or not 0 < len(text) <= MAX_TOKEN
        or not _PRINTABLE.issuperset(text)
    ):
        return None
    lasts = seconds if isinstance(seconds, int) and 0 < seconds <= ASKED_SECONDS else ASKED_SECONDS
    return AccessToken(text, now + max(lasts * 1000 - EARLY_MS, SHORTEST_MS))
