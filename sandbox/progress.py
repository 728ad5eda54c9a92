"""What the supervisor reports to the terminal that started it: one JSON object per line on its stdout (pure but `Report`)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class StepBegun:
    """A step began."""

    begun: str


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """A step is done, after so many seconds."""

    done: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StartFailed:
    """A step failed and the start with it; everything is being stopped."""

    failed: str
    why: str


@dataclass(frozen=True, kw_only=True)
class HeldByAnother:
    """Nothing was started: another supervisor has the folder."""

    held: str


@dataclass(frozen=True, kw_only=True)
class Up:
    """All steps are done; nothing more follows."""

    up_after: float


End = StartFailed | HeldByAnother | Up
Progress = StepBegun | StepDone | End
KINDS: tuple[type[Progress], ...] = (StepBegun, StepDone, StartFailed, HeldByAnother, Up)


def encode(progress: Progress) -> str:
    """One line."""
    return json.dumps(asdict(progress)) + "\n"


def decode(line: str) -> Progress | None:
    """What a line says; None for anything else that was printed."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    for kind in KINDS:
        if isinstance(document, dict) and set(document) == set(kind.__annotations__):
            return kind(**document)
    return None


class Report:
    """Writes progress to stdout; a terminal that has gone away stops nothing."""

    def write(self, progress: Progress) -> None:
        """Write one line."""
        try:
            sys.stdout.write(encode(progress))
            sys.stdout.flush()
        except BrokenPipeError:
            pass

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Write that it begins, and when it is done how long it took."""
        self.write(StepBegun(begun=name))
        begun = time.monotonic()
        yield
        self.write(StepDone(done=name, seconds=round(time.monotonic() - begun, 1)))
