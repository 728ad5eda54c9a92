"""The life of a process: uvloop, signals, a health port, draining within a bound.

First SIGTERM or SIGINT: readiness turns 503, `stop` is set, the service finishes what is under way and
returns; a second one, or `drain_seconds`, ends the process at once (a hard kill is safe).
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
import uvloop
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import failpoints
from shared.settings import Settings
from shared.telemetry import configure_logging

log = structlog.get_logger()
Check = Callable[[], Awaitable[bool]]
"""True when a dependency answers."""


@dataclass(kw_only=True)
class Runtime:
    """What a service gets from its process."""

    service: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    checks: dict[str, Check] = field(default_factory=dict)
    started: bool = False
    """Set by the service once it serves; readiness needs it."""

    async def health(self) -> dict[str, bool]:
        """Each check's answer within 2 s, and whether the service serves."""
        answers: dict[str, bool] = {"serving": self.started and not self.stop.is_set()}
        for name, check in self.checks.items():
            try:
                async with asyncio.timeout(2):
                    answers[name] = await check()
            except Exception:  # noqa: BLE001  # any failure of a check means not ready
                answers[name] = False
        return answers


Main = Callable[[Runtime], Awaitable[None]]


def run(service: str, settings: Settings, main: Main) -> None:
    """Runs `main` to its end and exits: 0 when it drained, 1 when it failed, 2 when draining took too long."""
    configure_logging(service, settings.log_level)
    failpoints.arm(settings.failpoint)
    raise SystemExit(uvloop.run(_live(service, settings, main)))


async def _live(service: str, settings: Settings, main: Main) -> int:
    runtime = Runtime(service=service)
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(main(runtime))

    def stop() -> None:
        if runtime.stop.is_set():
            log.warning("forced", next="records under way are read again by the next process")
            os._exit(2)
        log.info("stopping", drain_seconds=settings.drain_seconds)
        runtime.stop.set()
        if not runtime.started:
            serving.cancel()  # it waits for its infrastructure: nothing is under way
        loop.call_later(settings.drain_seconds, os._exit, 2)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    health = await _serve_health(runtime, settings)
    log.info("starting", health_port=settings.health_port)
    gc.freeze()
    try:
        await serving
    except asyncio.CancelledError:
        log.info("stopped", before="it served")
        return 0
    except Exception:
        log.exception("failed", next="the supervisor restarts this process; what was not acknowledged is read again")
        return 1
    finally:
        await health.cleanup()
    log.info("stopped")
    return 0


async def _serve_health(runtime: Runtime, settings: Settings) -> web.AppRunner:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        answers = await runtime.health()
        return web.json_response(answers, status=200 if all(answers.values()) else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", live),
            web.get("/readyz", ready),
            web.get("/healthz", ready),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.health_host, settings.health_port).start()
    return runner
