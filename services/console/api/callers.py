"""Who may ask the console: an API key with the scope `operate`, of its own tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Path, Request

from shared.http.credentials import bearer, require_scope, unauthorized
from shared.mongo.api_keys import ApiKeys, Principal, Scope

Id = Annotated[str, Path(max_length=200)]
NOT_SEEN: Final = (
    "Ask again in a second if it was accepted just now, and look whether the router runs if that does not help; "
    "else compare the id and the key's tenant."
)


def key_owner(keys: ApiKeys) -> Callable[[Request], Awaitable[Principal]]:
    """Whose key a request has, as a dependency. Raises Problem 401 or 403."""

    async def owner_of(request: Request) -> Principal:
        principal = await keys.principal(bearer(request))
        if principal is None:
            raise unauthorized("the key is not known, or revoked")
        require_scope(principal, Scope.OPERATE)
        return principal

    return owner_of


def key_tenant(keys: ApiKeys) -> Callable[[Request], Awaitable[str]]:
    """The tenant of a request's key, as a dependency. Raises Problem 401 or 403."""
    owner_of = key_owner(keys)

    async def tenant_of(request: Request) -> str:
        return (await owner_of(request)).tenant

    return tenant_of
