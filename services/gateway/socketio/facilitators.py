"""Whose inbox a Socket.IO client opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from services.gateway.dialects.core.facilitator import Facilitator
from shared.http.tokens import InvalidToken
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id
from shared.model.users import User

NEVER: Final = 1e12
"""Seconds since the epoch: when a belief ends."""


class Facilitators:
    """By their token; or, in a tenant that is open, by what they say."""

    def __init__(self, identify: Callable[[str], Awaitable[User]], *, open_tenant: str | None = None) -> None:
        self._identify = identify
        self._open_tenant = open_tenant

    async def identify(self, client: Facilitator, token: str) -> User:
        """The user of a client that has shown this token. Raises InvalidToken, or MongoUnavailable."""
        named = None if client.claims is None else str(client.claims)
        if self._open_tenant is not None and named is not None:
            return self._believed(self._open_tenant, named)
        user = await self._identify(token)
        if named not in {None, user.id}:
            raise InvalidToken("the token's `sub` is not this `facilitator_id`")
        return user

    def _believed(self, tenant: str, named: str) -> User:
        try:
            check_user_id(named, "/facilitator_id")
        except Invalid as error:
            raise InvalidToken(f"the `facilitator_id` is wrong: {error.detail}") from error
        return User(tenant=tenant, id=named, expires_at=NEVER, issued_at=NEVER)
