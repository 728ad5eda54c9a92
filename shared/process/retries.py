"""Waiting for Kafka or MongoDB to come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

import stamina

from shared.model.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_CALLER: Final = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.05, wait_max=5.0).on(
    Unavailable
)


async def retry_until_available(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `call`, which is repeated while it raises Unavailable, for as long as it takes.

    Waits 50 ms after the first failure, then longer, at most 5 s; each wait is logged. What else it raises passes.
    """
    return await _CALLER(call, *args, **kwargs)
