"""Whose call it is: the token says so, never a body."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from fastapi import Request

from services.gateway.rate_limit import Pace
from shared.http import tokens
from shared.http.credentials import bearer, unauthorized
from shared.http.problems import Problem
from shared.http.tokens import InvalidToken
from shared.model.errors import Invalid
from shared.model.identifiers import check_tenant, check_user_id
from shared.model.users import User

MOST_TOKEN: Final = 8_192
KNOWN_USERS: Final = 10_000
RATE: Final = 50.0
BURST: Final = 200.0

Identify = Callable[[Request], User]
"""Raises Problem 401 or 429."""


def identify(secret: str, token: str) -> User:
    """The user of a token. Raises InvalidToken."""
    if len(token) > MOST_TOKEN:
        raise InvalidToken("the token is too long")
    user = tokens.verify(secret, token)
    try:
        check_user_id(user.id, "/sub")
        check_tenant(user.tenant)
    except Invalid as error:
        raise InvalidToken("the token names no user that can exist") from error
    return user


def request_identity(secret: str) -> Identify:
    """The FastAPI dependency that answers who calls, 50 times a second per user and 200 at once."""
    paces: OrderedDict[tuple[str, str], Pace] = OrderedDict()

    def who(request: Request) -> User:
        try:
            user = identify(secret, bearer(request))
        except InvalidToken as error:
            raise unauthorized(str(error)) from error
        place = (user.tenant, user.id)
        pace = paces.pop(place, None) or Pace(rate=RATE, burst=BURST)
        paces[place] = pace
        if len(paces) > KNOWN_USERS:
            paces.popitem(last=False)
        if not pace.take(monotonic()):
            raise Problem(
                429,
                "too_many_requests",
                f"more than {RATE:.0f} requests per second",
                fix="Wait for Retry-After seconds; a socket tells of changes without asking (docs/sockets.md).",
                headers={"Retry-After": "1"},
            )
        return user

    return who
