"""What is looked at before a stack is started, and what to do about each finding (`carillon doctor`)."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.artifacts import Missing, find_java, find_maven, find_mongod, has_kafka_jars, java_version
from sandbox.ports import Ports

GIB: Final = 1 << 30
MEMORY_AT_LEAST: Final = 3 * GIB // 2
DISK_AT_LEAST: Final = GIB
PYTHON_AT_LEAST: Final = (3, 11)
NODE_AT_LEAST: Final = 20
CHROMIUM: Final = Path("/usr/bin/chromium")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: what was looked at, whether it will do, what was seen, and the next step if it will not."""

    what: str
    good: bool
    seen: str
    fix: str = ""
    needed: bool = True
    """False: the stack runs without it."""


def examine(state: Path, ports: Ports, *, runs: bool) -> list[Finding]:
    """All checks, each within seconds; `runs`: the stack is up, so its ports are its own."""
    findings = [
        python(sys.version_info[:2], platform.python_version()),
        _tool("Java", lambda: _with_version(find_java())),
        _jars(state),
        _mongod(),
        memory(Path("/proc/meminfo").read_text(), runs=runs),
        _disk(state),
    ]
    return findings + ([] if runs else _ports(ports))


def examine_for_tests() -> list[Finding]:
    """What building and testing need on top, and the stack does not."""
    path = shutil.which("node") if shutil.which("npm") else None
    run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False) if path else None
    return [node(run.stdout.strip() if run else ""), _chromium()]


def node(said: str) -> Finding:
    """Whether `make web` and `make test` have the Node.js that they need; `said`: what `node --version` did."""
    major = said.removeprefix("v").partition(".")[0]
    good = major.isdecimal() and int(major) >= NODE_AT_LEAST
    seen = said or "not there"
    fix = (
        f"make web and make test need Node.js {NODE_AT_LEAST} or newer with npm: from your distribution, or nodejs.org"
    )
    return Finding(what="Node.js", good=good, seen=seen, fix=fix, needed=False)


def python(version: tuple[int, ...], seen: str) -> Finding:
    """Whether this Python is new enough."""
    fix = "apt-get install -y python3.11 python3.11-venv, then: make clean-venv up PYTHON=python3.11"
    return Finding(what="Python", good=version >= PYTHON_AT_LEAST, seen=seen, fix=fix)


def memory(meminfo: str, *, runs: bool) -> Finding:
    """Whether the stack fits into what the kernel calls available."""
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    available = int(lines.get("MemAvailable", "0 kB").split()[0]) * 1024
    return Finding(
        what="memory",
        good=runs or available >= MEMORY_AT_LEAST,
        seen=f"{available / GIB:.1f} GiB available",
        fix=f"the stack takes some {MEMORY_AT_LEAST / GIB:.1f} GiB: close something (ps aux --sort=-rss | head)",
    )


def port(name: str, number: int, *, free: bool) -> Finding:
    """Whether a port can be had."""
    return Finding(
        what=f"port {number}",
        good=free,
        seen=f"{name}: free" if free else f"{name}: taken",
        fix=f"who has it: ss -ltnp 'sport = :{number}'; or move all ports: make up PORT_OFFSET=1000",
    )


def _chromium() -> Finding:
    fix = "make test has to install it, or you: apt-get install -y chromium"
    seen = str(CHROMIUM) if CHROMIUM.exists() else "not there"
    return Finding(what="Chromium", good=CHROMIUM.exists(), seen=seen, fix=fix, needed=False)


def _tool(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, good=True, seen=look())
    except Missing as error:
        seen, _, fix = str(error).partition("\nGet it: ")
        return Finding(what=what, good=False, seen=seen, fix=fix)


def _with_version(java: str) -> str:
    return f"{java_version(Path(java))} ({java})"


def _jars(state: Path) -> Finding:
    if has_kafka_jars(state):
        return Finding(what="Kafka jars", good=True, seen=str(state / "kafka" / "libs"))
    return _tool("Maven", lambda: f"{find_maven()} (will get the Kafka jars)")


def _mongod() -> Finding:
    machine = platform.machine()
    if machine != "x86_64" and shutil.which("mongod") is None:
        fix = "install MongoDB 6 or newer so that `mongod` is on PATH"
        return Finding(what="mongod", good=False, seen=f"the wheel is for x86_64, this is {machine}", fix=fix)
    found = _tool("mongod", find_mongod)
    if not found.good:
        return found
    run = subprocess.run([found.seen, "--version"], capture_output=True, text=True, timeout=30, check=False)
    if run.returncode != 0:
        fix = "apt-get install -y libssl3 libcurl4"
        return Finding(what="mongod", good=False, seen=f"does not run: {run.stderr.strip()}", fix=fix)
    return Finding(what="mongod", good=True, seen=run.stdout.splitlines()[0].removeprefix("db version v"))


def _disk(state: Path) -> Finding:
    place = next(folder for folder in (state.resolve(), *state.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    fix = "free some, or put the state elsewhere: make up CARILLON_STATE=/other/disk/carillon"
    return Finding(what="disk", good=free >= DISK_AT_LEAST, seen=f"{free / GIB:.0f} GiB free in {place}", fix=fix)


def _ports(ports: Ports) -> list[Finding]:
    findings = [port(name, number, free=_is_free(number)) for name, number in ports.table().items()]
    taken = [finding for finding in findings if not finding.good]
    numbers = sorted(ports.table().values())
    return taken or [Finding(what="ports", good=True, seen=f"{len(numbers)} of {numbers[0]} to {numbers[-1]} are free")]


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one in TIME_WAIT can be had
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True
