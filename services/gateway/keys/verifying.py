"""What verifies users' tokens, of a process that has just started."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from services.gateway.keys.endpoint import fetch_key_set
from services.gateway.keys.token_keys import TokenKeys
from services.gateway.settings import UsersEdgeSettings
from shared.http.tokens import TokenVerifier
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime


async def open_verifier(
    settings: UsersEdgeSettings, runtime: Runtime, stack: AsyncExitStack
) -> tuple[TokenVerifier, TokenKeys | None]:
    """The verifier; and the keys of the set that the settings name, once it was had: they have to `run`."""
    keys = await _open_keys(settings, runtime, stack)
    verifier = TokenVerifier(
        secret=settings.token_secret.get_secret_value() if settings.token_secret else None,
        keys=keys,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        leeway_seconds=settings.token_leeway_seconds,
    )
    return verifier, keys


async def _open_keys(settings: UsersEdgeSettings, runtime: Runtime, stack: AsyncExitStack) -> TokenKeys | None:
    if settings.token_jwks_url is None:
        return None
    keys = TokenKeys(partial(fetch_key_set, settings.token_jwks_url))
    stack.push_async_callback(keys.close)
    runtime.checks["token_keys"] = keys.known
    await retry_until_available(keys.refresh)
    return keys
