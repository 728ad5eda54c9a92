"""Who calls: the token says so, never a body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.gateway.core.limits import MAX_TOKEN_CHARACTERS
from services.gateway.rate_limits import UserRates
from services.gateway.rejected_tokens import RejectedTokens
from shared.http.credentials import unauthorized
from shared.http.tokens import InvalidToken, TokenVerifier, UnknownKey
from shared.model.errors import Invalid
from shared.model.identifiers import check_tenant, check_user_id
from shared.model.lives import Life
from shared.model.profiles import Profile
from shared.model.users import User, in_life

Credentials = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(scheme_name="userToken", bearerFormat="JWT", auto_error=False)),
]
ReadLife = Callable[[str, str], Awaitable[Life]]
"""The current life of a tenant's user. Raises MongoUnavailable."""
_REJECTED: Final = RejectedTokens()
DELETED: Final = "the user was deleted after the token was issued"
Identify = Callable[[Request, Credentials], Awaitable[User]]
"""A FastAPI dependency. Raises Problem 401 or 429."""


async def identify(verifier: TokenVerifier, token: str, rejected: RejectedTokens = _REJECTED) -> User:
    """The user of a token; waits only for the keys, when the token names one that is not known. Raises InvalidToken."""
    try:
        return await _user_of(verifier, token)
    except InvalidToken as error:
        rejected.note(str(error))
        raise


async def _user_of(verifier: TokenVerifier, token: str) -> User:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidToken(f"the token is longer than {MAX_TOKEN_CHARACTERS} characters")
    try:
        user = verifier.verify(token)
    except UnknownKey:
        if verifier.keys is None or not await verifier.keys.renew():
            raise
        user = verifier.verify(token)
    try:
        check_user_id(user.id, "/sub")
        check_tenant(user.tenant)
    except Invalid as error:
        raise InvalidToken(f"the token's `{(error.pointer or '/sub')[1:]}` is wrong: {error.detail}") from error
    return user


def check_life(user: User, profile: Profile) -> None:
    """Raises Problem 401 when the profile is another life's: the user was deleted since their token was looked at."""
    if profile.life.number != user.life:
        raise unauthorized(DELETED)


def request_identity(verifier: TokenVerifier, lives: ReadLife) -> Identify:
    """The dependency that answers who calls, within the rate that each user has."""
    rates = UserRates()

    async def caller(request: Request, credentials: Credentials) -> User:
        if credentials is None:
            raise unauthorized("no credential was sent")
        try:
            user = await identify(verifier, credentials.credentials.strip())
        except InvalidToken as error:
            raise unauthorized(str(error)) from error
        rates.take(request, user, monotonic())
        known = in_life(user, await lives(user.tenant, user.id))
        if known is None:
            raise unauthorized(DELETED)
        return known

    return caller
