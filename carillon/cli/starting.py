"""Starting the local stack: one supervisor in the background, followed until all is up, whoever started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from carillon.cli.program import program

if TYPE_CHECKING:
    from sandbox.ports import Ports
    from sandbox.progress import End, Progress
    from sandbox.supervision import Seen

STARTS_WITHIN: Final = 300
STOPS_WITHIN: Final = 120
"""Every process may take its whole bound."""
LOOK_SECONDS: Final = 0.1


def start(state: Path, port_offset: int, ports: Ports, *, bare: bool) -> str | None:
    """Starts the stack, or waits for one that another is starting, and shows where it is; returns what went wrong.

    Raises OSError when the folder cannot be written, UnreadableStack.
    """
    from carillon.cli import screen
    from sandbox.progress import HeldByAnother, StartFailed, Up
    from sandbox.stack import Phase

    note = f"The stack in {state} runs already."
    seen = settled(state)
    while seen.phase is Phase.STOPPED:
        if problem := _in_the_way(state, ports):
            if (seen := settled(state)).phase is Phase.STOPPED:
                return problem
            continue  # somebody else's start took the ports
        end, code = _follow(state, port_offset, bare=bare)
        if end is None or isinstance(end, StartFailed):
            why = end.why if end else f"The supervisor ended with code {code}."
            return (
                f"{why}\n\nThe stack did not come up and is stopped again. More: {program()} logs, {program()} doctor"
            )
        note = note if isinstance(end, HeldByAnother) else ""
        seen = settled(state)
        if isinstance(end, Up):
            break
    if seen.phase is not Phase.RUNNING or seen.stack is None:
        return f"The stack in {state} is {seen.phase}.\nSee how far: {program()} status, {program()} logs"
    if note:
        screen.console.print(note)
    screen.show_box(seen.stack)
    return None


def settled(state: Path) -> Seen:
    """The stack once nobody is starting or stopping it any more, or as it is when that takes too long; blocks."""
    from carillon.cli import screen
    from sandbox.stack import Phase
    from sandbox.supervision import look

    within = {Phase.STARTING: STARTS_WITHIN, Phase.STOPPING: STOPS_WITHIN}
    seen, since = look(state), time.monotonic()
    told = None
    while seen.phase in within and time.monotonic() - since < within[seen.phase]:
        if told is not seen.phase:
            told, since = seen.phase, time.monotonic()
            screen.console.print(f"The stack in {state} is {told} (supervisor {seen.pid}): waiting for that to end.")
        time.sleep(LOOK_SECONDS)
        seen = look(state)
    return seen


def _in_the_way(state: Path, ports: Ports) -> str | None:
    from carillon.cli import screen
    from sandbox.checks import examine

    bad = [finding for finding in examine(state, ports, runs=False) if not finding.good]
    if not bad:
        return None
    screen.show_findings(bad)
    return f"Nothing was started. All checks: {program()} doctor"


def _follow(state: Path, port_offset: int, *, bare: bool) -> tuple[End | None, int | None]:
    """Start the supervisor in a session of its own and follow it to the end of the start; with its code if it ended."""
    from carillon.cli import screen
    from sandbox.progress import StartFailed, Up
    from sandbox.supervision import MODULE

    logs_folder = state / "logs"
    logs_folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", MODULE, "--state", str(state.resolve()), "--port-offset", str(port_offset)]
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
        return StartFailed(failed="start", why="Stopped."), supervisor.returncode
    if not isinstance(end, Up):
        supervisor.wait(STOPS_WITHIN)
    return end, supervisor.returncode


def _progress(lines: IO[str] | None) -> Iterator[Progress]:
    """What the supervisor reports, to the end of the start."""
    from sandbox.progress import HeldByAnother, StartFailed, Up, decode

    for line in lines or ():
        progress = decode(line)
        if progress is not None:
            yield progress
        if isinstance(progress, Up | StartFailed | HeldByAnother):
            return
