"""Senders of one tenant and the workers behind them, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.pull import PullReport, ReportAnswer, ReportKind, TakenDelivery
from tests.support.pulled import pulled

SENT = PullReport(kind=ReportKind.SENT, at=0, code="sm-1")
FAILED = PullReport(kind=ReportKind.FAILED, at=0, code="busy", retry_after_ms=2000)
RETRYING = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41)
DONE = DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1, code="sm-1")
TENANT = "acme"


class Senders:
    """One process of ingest, and workers, on the same rows."""

    def __init__(self, taking: Any, worker: Callable[..., Any]) -> None:
        self.taking = taking
        self.worker = worker
        self.queue = worker()

    async def take(self, most: int = 100, *, lease_seconds: int = 60, **more: Any) -> list[TakenDelivery]:
        found = await self.taking.waiting(TENANT, **{"workflow": None} | more, most=most)
        return await self.taking.take(TENANT, found, token=uuid4().hex, lease_seconds=lease_seconds)

    async def one(self, id_: str = "d", **more: Any) -> TakenDelivery:
        await self.queue.insert([pulled(id_)])
        (taken,) = await self.take(**more)
        return taken

    async def report(self, taken: TakenDelivery, report: PullReport = SENT) -> ReportAnswer:
        return await self.taking.report(TENANT, taken.delivery.id, taken.token, report)


def ids(found: list[Any]) -> list[str]:
    return [each.delivery.id for each in found]
