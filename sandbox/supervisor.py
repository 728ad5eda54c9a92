"""The one process that starts the stack, watches it, and stops it: `python -m sandbox.supervisor`.

Progress goes to stdout until the stack is up; its own log, and those of its children, to the state folder.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from sandbox.artifacts import Missing, ensure_kafka_jars
from sandbox.child import Child, NotReady
from sandbox.kafka import Kafka
from sandbox.mongod import Mongod
from sandbox.ports import Ports
from sandbox.process import Service
from sandbox.progress import HeldByAnother, Report, StartFailed, Up
from sandbox.provisioning import ProvisioningFailed, provision
from sandbox.restarts import pause_before
from sandbox.stack import SERVICES, Phase, Stack, UnreadableStack, load, new_stack, save
from sandbox.supervision import KILL_GATEWAY, Supervision, sole_supervisor
from shared.process.clock import now_ms

log = logging.getLogger("supervisor")
STOP_SECONDS: Final = 12.0
"""A service drains, then it is killed; what it had in flight is read again at the next start."""


LOOK_SECONDS: Final = 0.5
"""How often it looks whether its folder is still there."""


class StackPart(Protocol):
    """What the supervisor needs of a part of the stack."""

    @property
    def child(self) -> Child:
        """The process."""
        ...

    def spawn(self) -> None:
        """Start it; does not wait."""
        ...


class Supervisor:
    """Starts in order, restarts what ends, stops in reverse order."""

    def __init__(self, stack: Stack, held: Supervision, report: Report, *, bare: bool) -> None:
        """`bare`: Kafka, MongoDB and the sink only, for services that are started by hand."""
        state = held.state
        self._stack, self._held, self._state, self._report = stack, held, state, report
        logs = state / "logs"
        ports = Ports(**stack.ports)
        self._kafka = Kafka(state / "kafka", ports.kafka, ports.kafka_controller, state=state, log=logs / "kafka.log")
        self._mongod = Mongod(state / "mongod", ports.mongod, log=logs / "mongod.log")
        names = SERVICES[:1] if bare else SERVICES
        env = {**stack.environment(), "CARILLON_PLAYGROUND_STATE": str(state)}
        self._services = {
            name: Service(name, env=env, health_port=ports.health(name), log=logs / f"{name}.log") for name in names
        }
        self._started: dict[str, StackPart] = {}
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; returns the exit code: 0, or 1 when the stack did not come up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(KILL_GATEWAY, self._kill_gateway)
        begun = time.monotonic()
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        keeping_place = asyncio.create_task(self._keep_place())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        code = 0
        try:
            if not starting.done():
                starting.cancel()
                await asyncio.wait({starting})
            elif error := starting.exception():
                raise error
            else:
                self._note(Phase.RUNNING)
                self._report.write(Up(up_after=round(time.monotonic() - begun, 1)))
                log.info("up after %.1f s", time.monotonic() - begun)
                await self._watch(stopping)
        except (Missing, NotReady, ProvisioningFailed) as error:
            log.error("the stack did not come up: %s", error)
            self._report.write(StartFailed(failed="start", why=str(error)))
            code = 1
        finally:
            stopping.cancel()
            keeping_place.cancel()
            self._stop_all()
        return code

    async def _keep_place(self) -> None:
        """Without its folder it could not be found, and its parts would write into nowhere."""
        while not self._stop.is_set():
            if (place := self._held.place()) != self._state:
                log.error("the state folder %s was moved to %s: everything is stopped", self._state, place or "nowhere")
                self._stop.set()
            await asyncio.sleep(LOOK_SECONDS)

    async def _start(self) -> None:
        self._note(Phase.STARTING)
        with self._report.step("Kafka jars and data folder"):
            await asyncio.to_thread(ensure_kafka_jars, self._state)
            await asyncio.to_thread(lambda: self._kafka.child)
        self._spawn("kafka", self._kafka)
        self._spawn("mongod", self._mongod)
        with self._report.step("Kafka"):
            await self._kafka.ready()
        with self._report.step("MongoDB"):
            await self._mongod.ready()
        self._stack = await provision(self._stack, self._report)
        self._note(Phase.STARTING)
        for name, service in self._services.items():
            self._spawn(name, service)
        for name, service in self._services.items():
            with self._report.step(name):
                await service.ready()

    async def _watch(self, stopping: asyncio.Task[bool]) -> None:
        watchers = {asyncio.create_task(self._keep(name, part)) for name, part in self._started.items()}
        done, _ = await asyncio.wait({stopping, *watchers}, return_when=asyncio.FIRST_COMPLETED)
        for watcher in watchers:
            watcher.cancel()
        for task in done - {stopping}:
            task.result()

    async def _keep(self, name: str, part: StackPart) -> None:
        restarts: deque[float] = deque(maxlen=20)
        while True:
            code = await part.child.ended()
            pause = pause_before(restarts, time.monotonic())
            log.warning("%s ended with code %s; starting it again in %.1f s", name, code, pause)
            await asyncio.sleep(pause)
            if self._held.place() != self._state:
                return
            restarts.append(time.monotonic())
            self._spawn(name, part)
            self._note(Phase.RUNNING)

    def _spawn(self, name: str, part: StackPart) -> None:
        part.spawn()
        pid = part.child.pid
        log.info("%s started, pid %s", name, pid)
        self._started[name] = part
        self._stack = replace(
            self._stack,
            pids={**self._stack.pids, name: pid or 0},
            started_ms={**self._stack.started_ms, name: now_ms()},
        )

    def _kill_gateway(self) -> None:
        """As a crash would; whoever watches the playground sees what its clients do."""
        if gateway := self._services.get("gateway"):
            log.warning("killing the gateway, as asked")
            gateway.child.signal(signal.SIGKILL)

    def _stop_all(self) -> None:
        self._note(Phase.STOPPING)
        for name, part in reversed(self._started.items()):
            begun = time.monotonic()
            code = part.child.stop(STOP_SECONDS)
            log.info("%s stopped with code %s after %.1f s", name, code, time.monotonic() - begun)
        self._stack = replace(self._stack, pids={}, started_ms={})
        self._note(Phase.STOPPED)

    def _note(self, phase: Phase) -> None:
        self._stack = replace(self._stack, phase=phase)
        if place := self._held.place():
            save(self._stack, place)


def main() -> None:
    """Supervise until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.supervisor")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port-offset", type=int, default=0)
    parser.add_argument("--bare", action="store_true")
    asked = parser.parse_args()
    state: Path = asked.state.resolve()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    report = Report()
    try:
        with sole_supervisor(state) as held:
            code = asyncio.run(_supervise(held, Ports.shifted(asked.port_offset), report, bare=asked.bare))
    except BlockingIOError:
        report.write(HeldByAnother(held=str(state)))
        code = 1
    sys.exit(code)


async def _supervise(held: Supervision, ports: Ports, report: Report, *, bare: bool) -> int:
    try:
        stack = replace(new_stack(ports, load(held.state)), supervisor=os.getpid())
        supervisor = Supervisor(stack, held, report, bare=bare)
    except (Missing, UnreadableStack) as error:
        report.write(StartFailed(failed="start", why=str(error)))
        return 1
    return await supervisor.run()


if __name__ == "__main__":
    main()
