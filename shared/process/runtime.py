"""The life of a process: uvloop, signals, a health port, draining within a bound.

First SIGTERM or SIGINT, or a part of the service that ends: readiness turns 503, `stop` is set, the service
finishes what is under way and returns. After `drain_seconds`, or at a second signal, the process ends at once (a
hard kill is safe).
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
import uvloop

from shared.model.errors import KafkaRejected
from shared.process import failpoints
from shared.process.health import serve_health
from shared.process.logging import configure_logging
from shared.process.settings import Settings

YOUNG_OBJECTS: Final = 25_000
"""New containers between two looks for cyclic garbage. Python's 700 are less than one chunk in work, so each look met
only what lives, and a backlog besides: a third of the router's processor time."""

log = structlog.get_logger()
READY_EVERY: Final = 0.2
"""Seconds between two looks at whether it is ready, until it is for the first time."""


Check = Callable[[], Awaitable[bool | str]]
"""True when a dependency answers; else False, or why it does not."""


@dataclass(kw_only=True)
class Runtime:
    """What a service gets from its process."""

    service: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    checks: dict[str, Check] = field(default_factory=dict)
    started: bool = False
    """Set by the service once it serves; readiness needs it."""

    def serves(self, **addresses: str) -> None:
        """It serves now, at these addresses: as `http="http://127.0.0.1:8080"`."""
        self.started = True
        log.info("serving", **addresses)

    async def health(self) -> dict[str, bool | str]:
        """Each check's answer within 2 s, and whether the service serves."""
        answers: dict[str, bool | str] = {"serving": self.started and not self.stop.is_set()}
        for name, check in [*self.checks.items()]:  # some come and go while others answer
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

    signalled = False

    def on_signal() -> None:
        nonlocal signalled
        if signalled:
            log.warning("forced", next="records under way are read again by the next process")
            os._exit(2)
        signalled = True
        log.info("signalled", next="a second signal ends the process at once")
        runtime.stop.set()
        if not runtime.started:
            serving.cancel()  # it waits for its infrastructure: nothing is under way

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, on_signal)
    bounding = asyncio.create_task(_bound_draining(runtime.stop, settings.drain_seconds))
    health = await serve_health(runtime.health, settings.health_host, settings.health_port)
    log.info("starting", health_port=settings.health_port)
    saying_ready = asyncio.create_task(_say_ready(runtime))
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        await serving
    except asyncio.CancelledError:
        log.info("stopped", before="it served")
        return 0
    except KafkaRejected as error:
        log.error("rejected", error=str(error), next="mend the settings or the broker, then start this process again")
        return 1
    except Exception:
        log.exception("failed", next="the supervisor restarts this process; what was not acknowledged is read again")
        return 1
    finally:
        bounding.cancel()
        saying_ready.cancel()
        await health.cleanup()
    log.info("stopped")
    return 0


async def _say_ready(runtime: Runtime) -> None:
    """Says once that it is ready."""
    begun = time.monotonic()
    answers = await runtime.health()
    while not all(answers.values()):
        await asyncio.sleep(READY_EVERY)
        answers = await runtime.health()
    log.info("ready", after_seconds=round(time.monotonic() - begun, 1))


async def _bound_draining(stop: asyncio.Event, seconds: float) -> None:
    """Whoever set `stop`: what is not drained `seconds` later is ended with the process."""
    await stop.wait()
    log.info("stopping", drain_seconds=seconds)
    await asyncio.sleep(seconds)
    log.warning("not_drained", drain_seconds=seconds, next="records under way are read again by the next process")
    os._exit(2)
