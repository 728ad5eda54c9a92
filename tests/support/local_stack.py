"""The local stack as its user starts and stops it: a state folder of its own, with ports of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import randrange

from sandbox.artifacts import ensure_kafka_jars
from sandbox.checks import examine
from sandbox.ports import Ports
from sandbox.process import ROOT

JARS = Path(os.environ.get("CARILLON_STATE", ".carillon"))
DOWN = ("down",)


class LocalStack:
    """What `carillon` does with one folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        # Below the ports that the system gives to whoever asks for any.
        self._offset = next(offset for offset in iter(lambda: randrange(1_000, 5_600), None) if free(state, offset))

    def begin(self, command: tuple[str, ...]) -> subprocess.Popen[str]:
        named = {"CARILLON_STATE": str(self.state), "CARILLON_PORT_OFFSET": str(self._offset)}
        return subprocess.Popen(
            [sys.executable, "-m", "carillon", *command],
            cwd=ROOT, env=os.environ | named, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, command: tuple[str, ...]) -> tuple[int, str]:
        return ended(self.begin(command))


def ended(command: subprocess.Popen[str]) -> tuple[int, str]:
    told, _ = command.communicate(timeout=180)
    return command.returncode, told


def free(state: Path, offset: int) -> bool:
    try:
        return all(finding.good for finding in examine(state, Ports.shifted(offset), runs=False))
    except ValueError:
        return False


@contextmanager
def local_stack(state: Path) -> Iterator[LocalStack]:
    """With the jars of the tests; stopped at the end, whatever runs."""
    ensure_kafka_jars(JARS)
    (state / "kafka").mkdir(parents=True)
    for name in ("libs", "pom.sha256"):
        (state / "kafka" / name).symlink_to((JARS / "kafka" / name).resolve())
    local = LocalStack(state)
    yield local
    local.run(DOWN)
