"""`carillon up, down, status, logs, doctor`: the local stack, without Docker unless asked for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program
from carillon.cli.starting import STOPS_WITHIN, start

if TYPE_CHECKING:
    from sandbox.ports import Ports

NOT_RUNNING: Final = 3
"""The exit code of `status` when nothing runs (as of a service in LSB)."""

PortOffset = Annotated[
    int, typer.Option(envvar="CARILLON_PORT_OFFSET", help="Added to every port, for a second stack beside this one.")
]
Docker = Annotated[bool, typer.Option("--docker", help="Use docker compose instead of local processes.")]


def up(
    state: State = DEFAULT_STATE,
    port_offset: PortOffset = 0,
    docker: Docker = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Kafka, MongoDB and the sink only; run services by hand.")
    ] = False,
) -> None:
    """Start everything in the background, and print its addresses and a development key.

    What another is starting is waited for; what is being stopped is started again afterwards.

    Example: carillon up --port-offset 1000
    """
    from sandbox.stack import UnreadableStack

    if docker:
        raise typer.Exit(_compose("up", "--detach", "--wait"))
    try:
        if problem := start(state, port_offset, _ports(port_offset), bare=bare):
            _fail(problem)
    except UnreadableStack as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or state}: {error.strerror}\nUse another folder: {program()} up --state FOLDER")


def down(state: State = DEFAULT_STATE, docker: Docker = False) -> None:
    """Stop everything in reverse order; data stay.

    Example: carillon down
    """
    from sandbox.supervision import supervisor_pid

    if docker:
        raise typer.Exit(_compose("down"))
    pid = supervisor_pid(state)
    if pid is None:
        typer.echo(f"No stack runs in {state}.")
        return
    begun = time.monotonic()
    _signal(pid, signal.SIGTERM)
    while supervisor_pid(state) == pid:
        if time.monotonic() - begun > STOPS_WITHIN:
            _signal(pid, signal.SIGKILL)  # its children die with it
            _fail(f"The supervisor (pid {pid}) did not stop within {STOPS_WITHIN} s and was killed.")
        time.sleep(0.05)
    typer.echo(
        f"Stopped after {time.monotonic() - begun:.1f} s. Start again: {program()} up; forget all data: make clean"
    )


def status(state: State = DEFAULT_STATE, docker: Docker = False) -> None:
    """Show each process with pid, port, readiness and uptime; exits 1 unless all are ready, 3 if nothing runs.

    Example: carillon status
    """
    from carillon.cli import screen
    from sandbox.stack import Phase, UnreadableStack
    from sandbox.supervision import look
    from shared.process.clock import now_ms

    if docker:
        raise typer.Exit(_compose("ps"))
    try:
        seen = look(state)
    except UnreadableStack as error:
        _fail(str(error))
    if seen.pid is None:
        _fail(f"No stack runs in {state}.\nStart it: {program()} up", NOT_RUNNING)
    screen.console.print(f"{seen.phase}, supervisor {seen.pid}, state in {state}", highlight=False)
    stack = seen.stack
    if stack is None or stack.supervisor != seen.pid:
        raise typer.Exit(1)
    ready = asyncio.run(_readiness(stack.ports, list(stack.pids)))
    screen.show_processes(stack, ready, now_ms())
    if seen.phase is Phase.STARTING:
        screen.console.print(f"Wait until all of it is up: {program()} up", highlight=False)
    raise typer.Exit(0 if seen.phase is Phase.RUNNING and all(ready.values()) else 1)


def logs(
    service: Annotated[str, typer.Argument(help="sink, ingest, router, ..., kafka, mongod, supervisor")] = "supervisor",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many, from the end.")] = 50,
    state: State = DEFAULT_STATE,
    docker: Docker = False,
) -> None:
    """Show the last lines that a process logged.

    Example: carillon logs router --follow
    """
    if docker:
        raise typer.Exit(_compose("logs", "--tail", str(lines), *(["--follow"] if follow else []), service))
    known = {file.stem: file for file in sorted((state / "logs").glob("*.log"))}
    if service not in known:
        _fail(
            f"There is no log of {service} in {state}.\nThere are: {', '.join(known) or f'none yet ({program()} up)'}"
        )
    tail = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(known[service])]
    raise typer.Exit(subprocess.run(tail, check=False).returncode)


def doctor(state: State = DEFAULT_STATE, port_offset: PortOffset = 0) -> None:
    """Check tools, memory, disk and ports, with a fix for each finding; exits 1 if something is in the way.

    Example: carillon doctor
    """
    from carillon.cli import screen
    from sandbox.checks import examine, examine_for_tests
    from sandbox.supervision import supervisor_pid

    findings = examine(state, _ports(port_offset), runs=supervisor_pid(state) is not None) + examine_for_tests()
    screen.show_findings(findings)
    raise typer.Exit(0 if all(finding.good or not finding.needed for finding in findings) else 1)


async def _readiness(ports: dict[str, int], names: list[str]) -> dict[str, bool]:
    from sandbox.child import listens
    from sandbox.process import is_ready

    async def one(name: str) -> bool:
        return await (is_ready(ports[f"health_{name}"]) if f"health_{name}" in ports else listens(ports[name]))

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


def _ports(offset: int) -> Ports:
    from sandbox.ports import Ports

    try:
        return Ports.shifted(offset)
    except ValueError as error:
        _fail(str(error))


def _compose(*args: str) -> int:
    """`docker compose` with these arguments; exits if no daemon answers."""
    try:
        answers = subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        answers = False
    if not answers:
        _fail("No Docker daemon answers.\nStart one, or leave out --docker (STACK=docker): nothing here needs Docker.")
    return subprocess.run(["docker", "compose", *args], check=False).returncode


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.kill(pid, number)


def _fail(why: str, code: int = 1) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
