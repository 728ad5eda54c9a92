"""The demonstration: the main job, or with a name the play of one of the catalog's systems."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import stamina.instrumentation
from rich.console import Console

from carillon.cli.program import pasteable
from carillon.errors import ClientError
from sandbox.demo.events import EventNotAccepted
from sandbox.demo.main_job import demonstrate
from sandbox.demo.systems.playing import PLAYS, play_system
from sandbox.demo.systems.scene import NotSeen
from sandbox.stack import Phase
from sandbox.supervision import look


def main(arguments: list[str]) -> int:
    """The demonstration against the stack of CARILLON_STATE; returns the exit code."""
    if unknown := [name for name in arguments if name not in PLAYS]:
        return _fail(f"There is no play of {unknown[0]!r}.", f"make demo SYSTEM={'|'.join(PLAYS)}")
    state = Path(os.environ.get("CARILLON_STATE", ".carillon"))
    seen = look(state)
    stack = seen.stack
    if stack is None or seen.phase is not Phase.RUNNING:
        return _fail(f"No stack runs in {state}.", "make up; or at once: make demo")
    stamina.instrumentation.set_on_retry_hooks([])  # stdout is for the demonstration
    console = Console() if sys.stdout.isatty() else Console(width=110)
    try:
        if arguments:
            return asyncio.run(play_system(arguments[0], stack, console))
        return asyncio.run(demonstrate(stack, console))
    except NotSeen as error:
        return _fail(f"Something did not arrive: {error}", "carillon status, carillon deliveries --in open")
    except EventNotAccepted as error:
        return _fail(f"An event was not accepted as it must be: {error}", "carillon logs ingest")
    except ClientError as error:
        return _fail(f"ingest, console or gateway: {error}", "carillon status")
    except (aiohttp.ClientError, OSError) as error:
        return _fail(f"inbox API or sink: {type(error).__name__}: {error}", "carillon status, carillon logs gateway")


def _fail(why: str, next_step: str) -> int:
    print(f"{why}\nNext: {pasteable(next_step)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
