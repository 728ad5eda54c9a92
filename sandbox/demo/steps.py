"""Progress on the screen: what is being done, and a tick with seconds when it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text


class DemoStep:
    """One step under way. `detail` is shown behind its tick."""

    def __init__(self, name: str, status: Status) -> None:
        self.detail = ""
        self._name, self._status = name, status

    def count(self, done: int, of: int) -> None:
        """How far it is."""
        self.detail = f"{done} of {of}"
        self._status.update(f"{self._name}: {self.detail}")


class Steps:
    """Ticks, one below the other."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[DemoStep]:
        """Shows `name` until it is done; what ends with an exception gets no tick."""
        begun = time.monotonic()
        with self._console.status(name) as status:
            step = DemoStep(name, status)
            yield step
        seconds = time.monotonic() - begun
        tick = Text.assemble(("  ✓ ", "green"), f"{name:<42}{seconds:>5.1f} s  ", (step.detail, "dim"))
        self._console.print(tick, soft_wrap=True)
