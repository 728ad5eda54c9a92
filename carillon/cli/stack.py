"""`carillon up, down, status, logs, doctor`: the local stack, without Docker unless asked for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from sandbox.ports import Ports
    from sandbox.progress import Progress

STARTS_WITHIN: Final = 300
STOPS_WITHIN: Final = 120
"""Every process may take its whole bound."""

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

    Example: carillon up --port-offset 1000
    """
    from carillon.cli import screen
    from sandbox.checks import examine
    from sandbox.stack import Phase, load, supervisor_pid

    if docker:
        raise typer.Exit(_compose("up", "--detach", "--wait"))
    ports = _ports(port_offset)
    stack = load(state)
    if supervisor_pid(state):
        if stack is None or stack.phase is not Phase.RUNNING:
            _fail(
                f"The stack in {state} is being started or stopped.\nSee how far: {program()} status, {program()} logs"
            )
        screen.console.print(f"The stack in {state} runs already.")
        screen.show_box(stack)
        return
    findings = examine(state, ports, runs=False)
    bad = [finding for finding in findings if not finding.good]
    if bad:
        screen.show_findings(bad)
        _fail(f"Nothing was started. All checks: {program()} doctor")
    _start(state, port_offset, bare=bare)
    stack = load(state)
    if stack is not None:
        screen.show_box(stack)


def down(state: State = DEFAULT_STATE, docker: Docker = False) -> None:
    """Stop everything in reverse order; data stay.

    Example: carillon down
    """
    from sandbox.stack import supervisor_pid

    if docker:
        raise typer.Exit(_compose("down"))
    pid = supervisor_pid(state)
    if pid is None:
        typer.echo(f"No stack runs in {state}.")
        return
    begun = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while supervisor_pid(state) is not None:
        if time.monotonic() - begun > STOPS_WITHIN:
            os.kill(pid, signal.SIGKILL)  # its children die with it
            _fail(f"The supervisor (pid {pid}) did not stop within {STOPS_WITHIN} s and was killed.")
        time.sleep(0.05)
    typer.echo(
        f"Stopped after {time.monotonic() - begun:.1f} s. Start again: {program()} up; forget all data: make clean"
    )


def status(state: State = DEFAULT_STATE, docker: Docker = False) -> None:
    """Show each process with pid, port, readiness and uptime; exits 1 unless all are ready.

    Example: carillon status
    """
    from carillon.cli import screen
    from sandbox.stack import load, supervisor_pid
    from shared.process.clock import now_ms

    if docker:
        raise typer.Exit(_compose("ps"))
    stack = load(state)
    if stack is None or supervisor_pid(state) is None:
        _fail(f"No stack runs in {state}.\nStart it: {program()} up")
    ready = asyncio.run(_readiness(stack.ports, list(stack.pids)))
    screen.console.print(f"{stack.phase}, supervisor {supervisor_pid(state)}, state in {state}", highlight=False)
    screen.show_processes(stack, ready, now_ms())
    raise typer.Exit(0 if ready and all(ready.values()) else 1)


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
    from sandbox.checks import examine
    from sandbox.stack import supervisor_pid

    findings = examine(state, _ports(port_offset), runs=supervisor_pid(state) is not None)
    screen.show_findings(findings)
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _start(state: Path, port_offset: int, *, bare: bool) -> None:
    """Start the supervisor in a session of its own and follow it until the stack is up."""
    from carillon.cli import screen
    from sandbox.progress import Up

    logs_folder = state / "logs"
    logs_folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "sandbox.supervisor", "--state", str(state), "--port-offset", str(port_offset)]
    with (logs_folder / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [*argv, *(["--bare"] if bare else [])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        end = screen.follow(_progress(supervisor.stdout))
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait(STOPS_WITHIN)
        _fail("Stopped.")
    if not isinstance(end, Up):
        supervisor.wait(STOPS_WITHIN)
        why = end.why if end is not None else f"The supervisor ended with code {supervisor.returncode}."
        _fail(f"{why}\n\nThe stack did not come up and is stopped again. More: {program()} logs, {program()} doctor")


def _progress(lines: IO[str] | None) -> Iterator[Progress]:
    """What the supervisor reports, to the end of the start."""
    from sandbox.progress import StartFailed, Up, decode

    for line in lines or ():
        progress = decode(line)
        if progress is not None:
            yield progress
        if isinstance(progress, Up | StartFailed):
            return


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


def _fail(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(1)
