"""The life of a process: uvloop, signals, a health port, draining within a bound.

First SIGTERM or SIGINT, or a part of the service that ends: readiness turns 503, `stop` is set, the service
finishes what is under way and returns. After `drain_seconds`, or at a second signal, the process ends at once (a
hard kill is safe).
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
import uvloop

from shared.model.errors import KafkaRejected, Unavailable
from shared.process import failpoints
from shared.process.health import serve_health
from shared.process.logging import configure_logging
from shared.process.metrics import CHECKS
from shared.process.settings import Settings

YOUNG_OBJECTS: Final = 25_000
"""New containers between two looks for cyclic garbage. Python's 700 are less than one chunk in work, so each look met
only what lives, and a backlog besides: a third of the router's processor time."""

log = structlog.get_logger()
READY_EVERY: Final = 0.2
"""Seconds between two looks at whether it is ready, until it is for the first time."""
CHECK_SECONDS: Final = 2
"""How long all checks together may take; a probe gives up after 5 s in the manifests."""
PORT_ERRORS: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
"""Of a port that cannot be opened."""


Check = Callable[[], Awaitable[bool | str]]
"""True when a dependency answers; else False, or why it does not."""


@dataclass(kw_only=True)
class Runtime:
    """What a service gets from its process."""

    service: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    checks: dict[str, Check] = field(default_factory=dict)
    reports: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What `/readyz` shows besides, as JSON; never slow, and never a reason not to be ready."""
    started: bool = False
    """Set by the service once it serves; readiness needs it."""

    def serves(self, **addresses: str) -> None:
        """It serves now, at these addresses: as `http="http://127.0.0.1:8080"`."""
        self.started = True
        log.info("serving", **addresses)

    async def health(self) -> dict[str, bool | str]:
        """Each check's answer, all of them within 2 s, and whether the service serves; CHECKS counts the same."""
        asked = dict(self.checks)  # some come and go while others answer
        found = await asyncio.gather(*map(_answer, asked.values()))
        answers = {"serving": self.started and not self.stop.is_set(), **dict(zip(asked, found, strict=True))}
        CHECKS.clear()  # those that went with what they waited for
        for name, answer in answers.items():
            CHECKS.labels(name).set(answer is True)
        return answers


async def _answer(check: Check) -> bool | str:
    """What it answers within 2 s; else why it does not: in our words if they are ours, for foreign ones hold addresses."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS} s"
    except Unavailable as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # any failure of a check means not ready
        return type(error).__name__


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
    try:
        health = await serve_health(runtime.health, settings.health_host, settings.health_port, reports=runtime.reports)
    except OSError as error:
        serving.cancel()
        return _failed(error)
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
    except Exception as error:  # noqa: BLE001  # logged, and the process ends
        return _failed(error)
    finally:
        bounding.cancel()
        saying_ready.cancel()
        await health.cleanup()
    log.info("stopped")
    return 0


def _failed(error: Exception) -> int:
    """Logs why the process ends; returns its exit code."""
    if isinstance(error, OSError) and error.errno in PORT_ERRORS:
        log.error(
            "port_unavailable", error=str(error), next="end what listens there, or set another port: CARILLON_…_PORT"
        )
    else:
        next_ = "the supervisor restarts this process; what was not acknowledged is read again"
        log.error("failed", exc_info=error, next=next_)
    return 1


async def _say_ready(runtime: Runtime) -> None:
    """Says once that it is ready."""
    begun = time.monotonic()
    answers = await runtime.health()
    while not all(answer is True for answer in answers.values()):
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
