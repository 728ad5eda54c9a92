"""Health as the inbox's clients see it; the platform's own probes are on the health port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.gateway.inbox.api import PREFIX
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from shared.process.runtime import Check

ANSWER_SECONDS: Final = 1.0


class HealthStatus(StrEnum):
    """Of one component, and of the whole: as healthy as its worst."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class ComponentHealth(BaseModel):
    """One part that an inbox needs."""

    status: HealthStatus


class HealthResponse(BaseModel):
    """`components`: `database` (MongoDB) and `log` (Kafka)."""

    status: HealthStatus
    timestamp: str
    components: dict[str, ComponentHealth]


class RecentAnswer:
    """A check that many may ask: it is asked once at a time, and its answer stands for ANSWER_SECONDS.

    Anybody may call this route; each call as one to Kafka and MongoDB would let anybody load them.
    `clock` is monotonic, in seconds.
    """

    def __init__(self, check: Check, clock: Callable[[], float] = monotonic) -> None:
        self._check = check
        self._clock = clock
        self._asking = asyncio.Lock()
        self._answered: bool | None = None
        self._good_until = 0.0

    async def __call__(self) -> bool:
        """Whether the component answers, or did a moment ago."""
        async with self._asking:
            if self._answered is None or self._clock() >= self._good_until:
                self._answered = await self._check() is True
                self._good_until = self._clock() + ANSWER_SECONDS
            return self._answered


def health_routes(checks: Mapping[str, Check]) -> APIRouter:
    """GET, without a token: 200, or 503 when a component does not answer."""
    components = {name: RecentAnswer(check) for name, check in checks.items()}
    routes = APIRouter(prefix=PREFIX, tags=["health"])

    @routes.get("/health", summary="Is the inbox healthy?", responses={503: {"model": HealthResponse}})
    async def health(response: Response) -> HealthResponse:
        """Asks each component."""
        answers = await asyncio.gather(*(check() for check in components.values()))
        states = {name: _state(answered is True) for name, answered in zip(components, answers, strict=True)}
        whole = _state(all(state is HealthStatus.HEALTHY for state in states.values()))
        response.status_code = 200 if whole is HealthStatus.HEALTHY else 503
        return HealthResponse(
            status=whole,
            timestamp=rfc3339(now_ms()),
            components={name: ComponentHealth(status=state) for name, state in states.items()},
        )

    return routes


def _state(good: bool) -> HealthStatus:
    return HealthStatus.HEALTHY if good else HealthStatus.UNHEALTHY
