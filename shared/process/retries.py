"""Waiting for Kafka or MongoDB to come back, and saying so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

import stamina
import stamina.instrumentation
import structlog

from shared.model.errors import KafkaUnavailable, MongoUnavailable, SchemaOutdated, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()
AGAIN_SECONDS: Final = 10.0
"""Between two lines that say the same; hundreds of deliveries may wait for one MongoDB."""
_NEXT: Final[dict[type[Unavailable], str]] = {
    KafkaUnavailable: "it goes on by itself; if Kafka runs, check CARILLON_KAFKA",
    MongoUnavailable: "it goes on by itself; if MongoDB runs, check CARILLON_MONGO",
    SchemaOutdated: "run: carillon migrate; this process goes on by itself then",
}
FIRST_WAIT_SECONDS: Final = 0.05
_CALLER: Final = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0).on(
    Unavailable
)


class _Waiting:
    """What waits now, and when it was said last; by the name of the call."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.said: dict[str, float] = {}
        self.logs = False

    def note(self, name: str, error: Unavailable) -> None:
        self.names.add(name)
        now = time.monotonic()
        if self.logs and now - self.said.get(name, -AGAIN_SECONDS) >= AGAIN_SECONDS:
            self.said[name] = now
            log.warning("waiting", call=name, error=str(error), next=_NEXT.get(type(error), "it goes on by itself"))

    def end(self, name: str) -> None:
        self.names.discard(name)
        if self.said.pop(name, None) is not None:
            log.info("resumed", call=name)

    def forget(self, name: str) -> None:
        """Nobody waits for it any more."""
        self.names.discard(name)
        self.said.pop(name, None)


_waiting: Final = _Waiting()


def log_what_waits() -> None:
    """From now on the log of this process says what waits, by the call's name; the library's lines know none."""
    stamina.instrumentation.set_on_retry_hooks([])
    _waiting.logs = True


def waits_for_infrastructure() -> bool:
    """Whether a call of this process waits now for Kafka or MongoDB to come back."""
    return bool(_waiting.names)


async def retry_until_available(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `call`, which is repeated while it raises Unavailable, for as long as it takes.

    Waits 50 ms after the first failure, then longer, at most 5 s; the log says that it waits, and once it goes on.
    What else it raises passes.
    """

    async def noted() -> T:
        try:
            return await call(*args, **kwargs)
        except Unavailable as error:
            _waiting.note(_name(call), error)
            raise

    try:
        result = await noted()  # nearly always: the library costs as much as a small call
    except Unavailable:
        try:
            await asyncio.sleep(FIRST_WAIT_SECONDS)
            result = await _CALLER(noted)
        except BaseException:  # cancelled, or what is no outage: this process waits no more
            _waiting.forget(_name(call))
            raise
    if _waiting.names:
        _waiting.end(_name(call))
    return result


def _name(call: Callable[..., object]) -> str:
    while isinstance(call, partial):
        call = call.func
    return str(getattr(call, "__qualname__", type(call).__qualname__))
