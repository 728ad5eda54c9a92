"""Health as the inbox's clients see it; the platform's own probes are on the health port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.gateway.inbox.api import PREFIX
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from shared.process.runtime import Check


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


def health_routes(components: Mapping[str, Check]) -> APIRouter:
    """GET, without a token: 200, or 503 when a component does not answer."""
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
